"""The request side of a conversation: messages, options, source and route."""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from typing import Literal, Self

from deployments.contracts.errors import ModelNotFound

MessageRole = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks its caller to make. ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image of a user message: a ``data:`` URL, or an https URL that was checked."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message. ``images`` follow the text of a user message. ``tool_calls`` belong to assistant messages. A message
    of the role tool is the result of the call ``tool_call_id``."""

    role: MessageRole
    content: str
    images: tuple[ImagePart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the caller offers. ``parameters`` is its JSON schema as JSON text."""

    name: str
    description: str = ""
    parameters: str = "{}"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The tools of a turn. ``choice`` is auto, none, required, or function; function means that ``function`` must be
    called. ``parallel`` None leaves parallel calls to the model."""

    tools: tuple[Tool, ...]
    choice: Literal["auto", "none", "required", "function"] = "auto"
    function: str = ""
    parallel: bool | None = None

    @property
    def is_forced(self) -> bool:
        """Whether the answer must be a tool call."""
        return self.choice in ("required", "function")

    @property
    def callable(self) -> tuple[Tool, ...]:
        """The tools that the model may call."""
        if self.choice == "none":
            return ()
        return tuple(tool for tool in self.tools if self.choice != "function" or tool.name == self.function)


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
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Route:
    """The language model that answers. Parsed once, when a request arrives.

    ``name`` is the local model ("" is the first one), the provider or the chain. ``adapter`` is a LoRA adapter of the
    local model; "" is the model without one.
    """

    kind: RouteKind
    name: str = ""
    adapter: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Parses ``local``, ``local:{model}``, ``local:{model}:{adapter}``, ``vllm`` (alias of local), ``cloud:{id}``,
        ``gemini`` (alias of cloud:gemini) and ``chain:{name}``.

        Returns None for None and "", which mean the default route. Raises ModelNotFound for anything else.
        """
        if not text:
            return None
        if text == "vllm":
            return cls(RouteKind.LOCAL)
        if text == "gemini":
            return cls(RouteKind.CLOUD, "gemini")
        kind, _, name = text.partition(":")
        if kind == "local":
            name, _, adapter = name.partition(":")
            return cls(RouteKind.LOCAL, name, adapter)
        if kind in ("cloud", "chain") and name:
            return cls(RouteKind(kind), name)
        raise ModelNotFound(
            f"unknown route {text!r}; use local, local:<model>, gemini, cloud:<provider id> or chain:<name>",
            param="model",
        )

    def __str__(self) -> str:
        if self.kind is not RouteKind.LOCAL:
            return f"{self.kind.value}:{self.name}"
        adapter = f":{self.adapter}" if self.adapter else ""
        return f"local:{self.name}{adapter}" if self.name or adapter else "local"


LOCAL_ROUTE = Route(RouteKind.LOCAL)


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """Sampling options. None means the default of the engine. An engine applies an option or raises InvalidRequest.

    ``repetition_penalty`` divides the likelihood of repeated tokens; 1 disables it. ``frequency_penalty`` and
    ``presence_penalty`` are those of the OpenAI API, -2..2. ``json_schema`` is the schema of ``response_format`` as
    JSON text; "{}" means any JSON object. Engines that cannot constrain their output reject it. With ``json_strict`` an
    engine follows every keyword of the schema or names the one that it cannot follow. ``defaulted`` names the
    options that come from the settings: an engine without such an option leaves it out.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    json_strict: bool = False
    defaulted: tuple[str, ...] = field(default=(), compare=False)


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
    voice_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One chat request. All doors and engines use this type.

    ``messages`` is the conversation in its order; its last user message is answered. Turns of the API may have none.
    ``speak`` asks for audio besides the text. ``voice_id`` None selects a voice by the language of the answer.
    ``preset`` None selects the preset of the voice.
    ``locale`` is a BCP 47 language ("ru", "en") or None when unknown. ``system_prompt`` replaces the prompt of the
    persona. ``overrides`` apply to fields that the turn does not set. The first override that sets a field wins:
    session, mode (a bot button), bot or widget. ``tools`` are offered to the model. ``answer_prefix`` is the start of
    the answer that has already been delivered: the engine continues it and yields only what follows it. ``uses_faq``
    False leaves the answer to the model.
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
    tools: ToolUse | None = None
    answer_prefix: str = ""
    uses_faq: bool = True

    @property
    def question(self) -> str:
        """The last user message, or an empty string."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def question_images(self) -> tuple[ImagePart, ...]:
        """The images of the last user message."""
        return next((m.images for m in reversed(self.messages) if m.role == "user"), ())

    @property
    def is_answered(self) -> bool:
        """Whether an assistant message or the result of a tool follows the last user message."""
        after = takewhile(lambda message: message.role != "user", reversed(self.messages))
        return any(message.role != "system" for message in after)

    @property
    def requires_structure(self) -> bool:
        """Whether a program reads the answer: it must be JSON or a tool call."""
        return self.options.json_schema is not None or (self.tools is not None and self.tools.is_forced)
