"""The request side of a conversation: messages, options, source and route."""

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
    """Where a turn comes from. ``instance_id`` is the bot, widget or phone line; empty for other sources."""

    kind: SourceKind
    instance_id: str = ""


class RouteKind(StrEnum):
    LOCAL = "local"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class Route:
    """The language model that answers. Parsed once, when a request arrives."""

    kind: RouteKind
    provider_id: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Parses ``local``, ``vllm`` (alias of local), ``cloud:{id}`` and ``gemini`` (alias of cloud:gemini).

        Returns None for None and "", which mean the default route. Raises ModelNotFound for anything else.
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
    """Sampling options. None means the default of the engine.

    ``repetition_penalty`` divides the likelihood of repeated tokens; 1 disables it. ``json_schema`` is the schema of
    ``response_format`` as JSON text; "{}" means any JSON object. Engines that cannot constrain their output reject it.
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
    """``vectors`` has one vector per text, in order. ``tokens`` is the number of tokens in all texts."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Overrides:
    """Settings of a stored session, a mode, a bot or a widget for a turn. None leaves a field to the next layer."""

    system_prompt: str | None = None
    persona_id: str | None = None
    route: Route | None = None
    options: GenerationOptions = field(default_factory=GenerationOptions)


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One chat request. All doors and engines use this type.

    ``messages`` is the conversation; its last user message is answered. ``speak`` asks for audio besides the text.
    ``voice_id`` None selects a voice by the language of the answer. ``preset`` None selects the preset of the voice.
    ``locale`` is a BCP 47 language ("ru", "en") or None when unknown. ``system_prompt`` replaces the prompt of the
    persona. ``overrides`` apply to fields that the turn does not set. The first override that sets a field wins:
    session, mode (a bot button), bot or widget.
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
