"""Request body of ``POST /v1/embeddings`` (OpenAI API)."""

from typing import Literal

from pydantic import Field

from deployments.api.request_body import RequestSchema


class EmbeddingsBody(RequestSchema):
    model: str
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, ge=1)
