"""Request body of ``POST /v1/responses`` (OpenAI API), plus the fields that chat completions add.

Fields without effect here (``reasoning``, ``include``, ``truncation``, …) are not declared and are ignored.
"""

from typing import Literal

from pydantic import Field

from deployments.api.request_body import RequestSchema

ItemFields = dict[str, object]


class TextFormat(RequestSchema):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str = "answer"
    definition: dict[str, object] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextOptions(RequestSchema):
    format: TextFormat | None = None


class ResponsesRequest(RequestSchema):
    model: str
    input: str | list[ItemFields] = Field(default="", max_length=1_000_000)
    instructions: str | None = None
    previous_response_id: str | None = Field(default=None, max_length=200)
    store: bool | None = None
    stream: bool | None = None
    max_output_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    text: TextOptions | None = None
    tools: list[ItemFields] | None = None
    tool_choice: str | ItemFields | None = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, str] | None = None

    background: bool | None = None
    conversation: object = None
    prompt: object = None
    top_logprobs: int | None = None

    session_id: str | None = Field(default=None, min_length=1, max_length=200)
    persona: str | None = None
    locale: str | None = None
