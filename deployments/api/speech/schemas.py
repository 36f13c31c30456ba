"""``POST /v1/audio/speech`` as the OpenAI API describes it."""

from typing import Literal

from pydantic import Field

from deployments.api.request_body import RequestSchema


class SpeechVoiceReference(RequestSchema):
    id: str


class SpeechBody(RequestSchema):
    """``instructions`` are accepted and have no effect: the voices here speak as they were recorded."""

    model: str
    input: str
    voice: str | SpeechVoiceReference
    instructions: str | None = Field(default=None, max_length=4096)
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: float | None = Field(default=None, ge=0.25, le=4)
    stream_format: Literal["audio", "sse"] | None = None
