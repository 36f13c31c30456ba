"""Request body of ``POST /v1/completions`` (OpenAI API, completions)."""

from typing import Annotated

from pydantic import Field

from deployments.api.chat.schemas import StreamOptions
from deployments.api.request_body import RequestSchema


class CompletionRequest(RequestSchema):
    """The prompt is a question to the model. ``echo`` repeats it before the answer."""

    model: str
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=20)] | list[int] | list[list[int]] = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    echo: bool | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)

    n: int | None = None
    best_of: int | None = None
    logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    suffix: str | None = None

    session_id: str | None = Field(default=None, min_length=1, max_length=200)
    persona: str | None = None
    locale: str | None = None
