"""Messages of a phone gateway: JSON objects with a ``type``, and the request of older clients
(docs/phone-protocol.md)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json

from deployments.contracts.audio import ALAW_8K, MULAW_8K, PCM16_8K, AudioFormat
from deployments.contracts.errors import InvalidRequest, TooLarge

MAX_MESSAGE_BYTES = 64 * 1024
LINE_FORMATS = {"alaw": ALAW_8K, "mulaw": MULAW_8K, "pcm16": PCM16_8K}
_REFERENCE_RATE = 24_000

UtteranceId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")]


class _ClientMessage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthMessage(_ClientMessage):
    type: Literal["auth"]
    api_key: SecretStr = Field(max_length=512)


class SpeakMessage(_ClientMessage):
    """Starts a request. With ``more``, text and end messages follow; ``filler_after_ms`` is how long the line is silent
    before it speaks a filler."""

    type: Literal["speak"]
    id: UtteranceId | None = None
    text: str = ""
    more: bool = False
    voice: str | None = Field(default=None, max_length=100)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    format: Literal["alaw", "mulaw", "pcm16"] = "pcm16"
    speed: float = Field(default=1.0, ge=0.25, le=4)
    filler_after_ms: int | None = Field(default=None, ge=100, le=60_000)

    @model_validator(mode="after")
    def _require_more(self) -> "SpeakMessage":
        if self.filler_after_ms is not None and not self.more:
            raise ValueError("filler_after_ms is for a request with more: true")
        return self

    @property
    def audio_format(self) -> AudioFormat:
        return LINE_FORMATS[self.format]


class TextMessage(_ClientMessage):
    type: Literal["text"]
    id: UtteranceId | None = None
    text: str


class EndMessage(_ClientMessage):
    type: Literal["end"]
    id: UtteranceId | None = None


class CancelMessage(_ClientMessage):
    type: Literal["cancel"]
    id: UtteranceId | None = None


class ReferenceSpeakMessage(BaseModel):
    """The request of older clients; it has no ``type``. Unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    voice: str | None = Field(default=None, max_length=100)
    language: str | None = Field(default="ru", pattern=r"^[a-z]{2,3}$")
    target_sample_rate: Literal[8_000, 16_000, 24_000] | None = 8_000
    output_format: Literal["pcm16"] = "pcm16"

    @property
    def audio_format(self) -> AudioFormat:
        return AudioFormat(self.target_sample_rate or _REFERENCE_RATE)


TypedMessage = Annotated[
    AuthMessage | SpeakMessage | TextMessage | EndMessage | CancelMessage, Field(discriminator="type")
]
ClientMessage = AuthMessage | SpeakMessage | TextMessage | EndMessage | CancelMessage | ReferenceSpeakMessage

_TYPED_ADAPTER: TypeAdapter[AuthMessage | SpeakMessage | TextMessage | EndMessage | CancelMessage] = TypeAdapter(
    TypedMessage
)


def parse_message(message: str) -> ClientMessage:
    """Parses one text message. Raises TooLarge, and InvalidRequest that names the field."""
    if len(message.encode(errors="surrogatepass")) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"a message may have at most {MAX_MESSAGE_BYTES} bytes")
    try:
        content = from_json(message)
    except ValueError as error:
        raise InvalidRequest(f"the message is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest("the message must be a JSON object")
    try:
        return (
            _TYPED_ADAPTER.validate_python(content)
            if "type" in content
            else ReferenceSpeakMessage.model_validate(content)
        )
    except ValidationError as error:
        raise _invalid_message(error) from None


def _invalid_message(error: ValidationError) -> InvalidRequest:
    """The first validation error, without the input, which may be a key."""
    detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kinds = ("auth", "speak", "text", "end", "cancel")
    path = [str(step) for index, step in enumerate(detail["loc"]) if index or step not in kinds]
    return InvalidRequest(f"{'.'.join(path) or 'message'}: {detail['msg']}", param=".".join(path) or None)
