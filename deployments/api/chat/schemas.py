"""Request body of ``POST /v1/chat/completions`` (OpenAI API) plus ``session_id``, ``persona``, ``locale`` and
``speed``.

Fields without effect here (``user``, ``metadata``, ``store``, …) are not declared and are ignored. Unsupported fields
are declared, so that ``validation`` can reject them.
"""

from typing import Annotated, Literal

from pydantic import Field

from deployments.api.request_body import RequestSchema

Speed = Annotated[float, Field(ge=0.25, le=4)]


class InputAudio(RequestSchema):
    data: str
    format: Literal["wav", "mp3"]


class ImageUrl(RequestSchema):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ContentPart(RequestSchema):
    """A part of a message. ``text``, ``input_audio`` and ``image_url`` are supported; ``refusal`` in assistant
    messages."""

    type: str
    text: str | None = None
    refusal: str | None = None
    input_audio: InputAudio | None = None
    image_url: ImageUrl | None = None


class CalledFunction(RequestSchema):
    name: str
    arguments: str = ""


class RequestToolCall(RequestSchema):
    """A call that the model asked for. ``type`` is missing in the calls of some clients."""

    id: str = Field(min_length=1, max_length=200)
    type: Literal["function"] = "function"
    function: CalledFunction


class RequestMessage(RequestSchema):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[ContentPart], Field(fail_fast=True)] | None = None
    tool_calls: Annotated[list[RequestToolCall], Field(fail_fast=True)] | None = None
    tool_call_id: str | None = None
    function_call: object = None
    audio: object = None


class VoiceReference(RequestSchema):
    id: str


class AudioOutput(RequestSchema):
    voice: str | VoiceReference
    format: Literal["wav", "mp3", "opus", "aac", "flac", "pcm16"]


class JsonSchema(RequestSchema):
    name: str = ""
    definition: dict[str, object] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(RequestSchema):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class FunctionDefinition(RequestSchema):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class RequestTool(RequestSchema):
    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(RequestSchema):
    name: str


class FunctionChoice(RequestSchema):
    type: Literal["function"]
    function: FunctionName


class StreamOptions(RequestSchema):
    include_usage: bool | None = None


class ChatRequest(RequestSchema):
    model: str
    messages: list[RequestMessage] = Field(min_length=1, fail_fast=True)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: AudioOutput | None = None

    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.1, le=2)
    tools: Annotated[list[RequestTool], Field(fail_fast=True)] | None = None
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[object] | None = None
    function_call: object = None
    web_search_options: object = None

    session_id: str | None = Field(default=None, min_length=1, max_length=200)
    persona: str | None = None
    locale: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$")
    speed: Speed | None = None

    @property
    def wants_speech(self) -> bool:
        return self.modalities is not None and "audio" in self.modalities
