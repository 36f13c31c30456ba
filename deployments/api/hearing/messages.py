"""The JSON messages of a live session in both directions (docs/phone-protocol.md)."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from deployments.contracts.audio import AudioFormat, Encoding
from deployments.contracts.errors import InvalidRequest, SecretaryError, TooLarge
from deployments.contracts.speech import (
    AUTO,
    FinalTranscript,
    HearingEvent,
    ListeningFinished,
    ListeningStarted,
    ListenRequest,
    PartialTranscript,
    RevisedTranscript,
    SpeechEnded,
    SpeechStarted,
    TranscriptFailed,
)

MAX_MESSAGE_BYTES = 64 * 1024
_Phrases = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=500)]
_TYPES: dict[type[HearingEvent], str] = {
    ListeningStarted: "started",
    SpeechStarted: "speech_started",
    PartialTranscript: "partial",
    SpeechEnded: "speech_ended",
    FinalTranscript: "final",
    RevisedTranscript: "revised",
    TranscriptFailed: "failed",
    ListeningFinished: "finished",
}


class _ClientMessage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StartListening(_ClientMessage):
    """Begins a session; sound follows as binary messages."""

    type: Literal["start"]
    format: Literal["pcm16", "alaw", "mulaw"] = "pcm16"
    sample_rate: Literal[8_000, 16_000] = 16_000
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    engine: str = Field(default=AUTO, pattern=r"^[\w.-]{1,80}$")
    grammar: _Phrases = ()
    hot_words: _Phrases = ()
    partials: bool = True
    words: bool = False
    silence_ms: int = Field(default=500, ge=100, le=5_000)
    second_pass: bool = False

    def request(self) -> ListenRequest:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        for name in ("type", "format", "sample_rate"):
            del fields[name]
        return ListenRequest(AudioFormat(self.sample_rate, 1, Encoding(self.format)), **fields)


class EndListening(_ClientMessage):
    """The sound is complete."""

    type: Literal["end"]


_ADAPTER: TypeAdapter[StartListening | EndListening] = TypeAdapter(
    Annotated[StartListening | EndListening, Field(discriminator="type")]
)


def parse_hearing_message(message: str) -> StartListening | EndListening:
    """Raises TooLarge, and InvalidRequest that names the field."""
    if len(message.encode(errors="surrogatepass")) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"a message may have at most {MAX_MESSAGE_BYTES} bytes")
    try:
        content = from_json(message)
    except ValueError as error:
        raise InvalidRequest(f"the message is not JSON: {error}") from None
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(step) for step in detail["loc"] if step not in ("start", "end"))
        raise InvalidRequest(f"{path or 'message'}: {detail['msg']}", param=path or None) from None


def event_message(event: HearingEvent) -> dict[str, object]:
    """A server message: the fields of the event and its ``type``."""
    fields = asdict(event)
    if isinstance(event, ListeningStarted):
        del fields["replica"]
        if not event.unknown_words:
            del fields["unknown_words"]
    if isinstance(event, FinalTranscript | RevisedTranscript) and not event.words:
        del fields["words"]
    return {"type": _TYPES[type(event)], **fields}


def hearing_error(error: SecretaryError) -> dict[str, object]:
    message: dict[str, object] = {
        "type": "error",
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
    }
    if error.retryable and error.retry_after_s is not None:
        message["retry_after_s"] = error.retry_after_s
    return message
