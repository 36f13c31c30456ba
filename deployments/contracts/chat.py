"""The request side of a conversation: messages, options, where it came from, where it should go."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Self

from deployments.contracts.errors import ModelNotFound

MessageRole = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: MessageRole
    content: str


class SourceKind(StrEnum):
    ADMIN = "admin"
    API = "api"
    TELEGRAM = "telegram"
    WIDGET = "widget"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class TurnSource:
    """The door a turn came through; ``instance_id`` is the bot, widget or phone line, empty for single doors."""

    kind: SourceKind
    instance_id: str = ""


class RouteKind(StrEnum):
    LOCAL = "local"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class Route:
    """Which language model answers. Parsed once, at the edge."""

    kind: RouteKind
    provider_id: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Reads ``local``, ``vllm`` (alias of local), ``cloud:{id}``, ``gemini`` (alias); None or "" means default.

        Raises ModelNotFound for anything else.
        """
        if not text:
            return None
        if text in ("local", "vllm"):
            return cls(RouteKind.LOCAL)
        if text == "gemini":
            return cls(RouteKind.CLOUD, "gemini")
        kind, _, provider_id = text.partition(":")
        if kind == "cloud" and provider_id:
            return cls(RouteKind.CLOUD, provider_id)
        raise ModelNotFound(f"unknown route {text!r}; use local, vllm, gemini or cloud:<provider id>", param="model")

    def __str__(self) -> str:
        return self.kind.value if self.kind is RouteKind.LOCAL else f"cloud:{self.provider_id}"


LOCAL_ROUTE = Route(RouteKind.LOCAL)


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """What the caller asked of the model; None leaves the engine's default.

    ``repetition_penalty`` divides the likelihood of what was said before: 1 leaves it alone.
    ``json_schema`` is the schema text of ``response_format`` ("{}" means any JSON object); an engine that cannot
    constrain its output refuses it.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: str | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingVectors:
    """``rows`` has one vector for each text, in their order; ``tokens`` is how many the model read for them."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a stored session, a mode, a bot or a widget says of how to answer; None leaves it to the next one."""

    system_prompt: str | None = None
    persona_id: str | None = None
    route: Route | None = None
    options: GenerationOptions = field(default_factory=GenerationOptions)


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One request to the secretary: the only request object that crosses rooms.

    ``messages`` is the conversation so far, the last one is to be answered. ``speak`` asks for audio beside the text;
    ``voice_id`` None lets the voice follow the language of the answer, ``preset`` None leaves the voice's own.
    ``locale`` is a BCP 47 language ("ru", "en") or None when unknown. ``system_prompt`` takes the place of the
    persona's. ``overrides`` count where the turn itself says nothing, the first that speaks wins: those of its session,
    of the mode that a person chose with a button, of its bot or widget.
    """

    turn_id: str
    source: TurnSource
    messages: tuple[ChatMessage, ...]
    session_id: str | None = None
    route: Route | None = None
    persona_id: str | None = None
    options: GenerationOptions = field(default_factory=GenerationOptions)
    speak: bool = False
    voice_id: str | None = None
    preset: str | None = None
    speed: float = 1.0
    locale: str | None = None
    system_prompt: str | None = None
    overrides: tuple[Overrides, ...] = ()

    @property
    def question(self) -> str:
        """The last user message, or an empty string."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")
