"""Request body of ``POST /v1/audio/speech`` (OpenAI API)."""

from typing import Literal

from pydantic import Field

from deployments.api.chat.schemas import VoiceReference
from deployments.api.request_body import RequestSchema


class SpeechBody(RequestSchema):
    """Without ``model`` and ``voice``, or with OpenAI's names, the language of the text chooses the voice.
    ``instructions`` are accepted and ignored: the voices do not support them."""

    model: str | None = None
    input: str
    voice: str | VoiceReference | None = None
    instructions: str | None = Field(default=None, max_length=4096)
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: float | None = Field(default=None, ge=0.25, le=4)
    stream_format: Literal["audio", "sse"] | None = None
