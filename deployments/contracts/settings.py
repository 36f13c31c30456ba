"""The snapshot: everything the data plane knows about how to behave, immutable, streamed by the office.

A turn keeps the snapshot it started with. Field descriptions are what ``docs/settings.md`` and the panel show.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from deployments.contracts.chat import Overrides, Route
from deployments.contracts.outbound import Allowance

Slug = Annotated[
    str,
    Field(pattern=r"^[\w-]{1,50}$"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 50}),
]
"""Letters of any script, digits, - and _. Patterns of JSON Schema know the letters of ASCII only."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="BCP 47 primary language tag, for example ru")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaqEntry(Frozen):
    """A prepared answer. Any of ``question`` and ``alternatives`` matches as a whole; ``keywords`` match as words."""

    id: int = 0
    question: str = Field(min_length=2, max_length=500)
    answer: str = Field(min_length=1, max_length=4000)
    alternatives: tuple[str, ...] = Field(default=(), max_length=50)
    keywords: tuple[str, ...] = Field(default=(), max_length=50)
    language: Language = "ru"
    enabled: bool = True
    hits: int = 0
    version: int = Field(default=1, description="Rises with every change; an update names the version it read")
    updated_at: datetime | None = None


class Persona(Frozen):
    """Who the secretary is. ``prompt`` is the system prompt, per language."""

    id: str = Field(pattern=r"^[a-z0-9_-]{1,50}$")
    name: str
    prompts: dict[str, str] = Field(description="language -> system prompt")
    voices: dict[str, str] = Field(default_factory=dict, description="language -> voice id")

    def prompt(self, language: str) -> str:
        return self.prompts.get(language) or next(iter(self.prompts.values()), "")


class FaqSettings(Frozen):
    ranked_threshold: float = Field(
        default=82.0, ge=0, le=100, description="Lowest score (0..100) at which a similar question counts as a match"
    )
    ranked_margin: float = Field(
        default=4.0, ge=0, le=100, description="By how much the best match must beat the best match with another answer"
    )


class LlmSettings(Frozen):
    temperature: float = Field(default=0.7, ge=0, le=2, description="Default sampling temperature")
    top_p: float = Field(default=0.9, gt=0, le=1, description="Default nucleus sampling share")
    max_tokens: int = Field(default=512, ge=1, le=32_768, description="Default length limit of an answer, in tokens")
    repetition_penalty: float = Field(
        default=1.1, ge=1, le=2, description="Default penalty on words that were said before; 1 means none"
    )
    history_tokens: int = Field(
        default=1_500,
        ge=100,
        le=1_000_000,
        description="Newest part of the conversation that is sent, with the system prompt, in tokens (estimated)",
    )
    first_token_timeout_s: float = Field(default=60, gt=0, le=600, description="Longest wait for the first token")
    idle_timeout_s: float = Field(default=30, gt=0, le=600, description="Longest silence between two tokens")


class SpeechSettings(Frozen):
    default_voices: dict[str, str] = Field(default_factory=dict, description="language -> voice id, before personas")
    max_input_chars: int = Field(default=4_096, ge=1, le=100_000, description="Longest text of one speech request")
    speed: float = Field(default=1.0, ge=0.25, le=4, description="Default speaking rate")
    default_preset: str = Field(
        default="neutral", max_length=100, description="Speech preset of voices that have none of their own"
    )
    cache_mb: int = Field(default=64, ge=0, le=4_096, description="Memory for spoken phrases, per door; 0 turns it off")


class Limits(Frozen):
    max_body_mb: int = Field(default=2, ge=1, le=100, description="Largest JSON body")
    max_upload_mb: int = Field(default=25, ge=1, le=500, description="Largest audio upload")
    max_audio_minutes: int = Field(default=60, ge=1, le=600, description="Longest sound to transcribe")
    max_messages: int = Field(default=500, ge=1, le=10_000, description="Most messages in one chat request")
    requests_per_minute: int = Field(default=0, ge=0, le=1_000_000, description="Per API key; 0 means no limit")
    max_live_streams: int = Field(default=64, ge=1, le=10_000, description="Answers and speeches at once, per door")


class OutboundSettings(Frozen):
    """Where the secretary may send requests beside the public internet."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Hosts and networks of your own that may be asked, over http too: localhost:8000, 10.0.0.0/24",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _are_places(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            Allowance.parse(text)
        return texts


class PrivacySettings(Frozen):
    """How long what people said is kept, in days; 0 means for ever."""

    messages_days: int = Field(default=0, ge=0, le=36_500, description="Days that messages are kept; 0 means for ever")
    audio_days: int = Field(default=30, ge=0, le=36_500, description="Days that recordings are kept; 0 means for ever")
    audit_days: int = Field(
        default=365, ge=0, le=36_500, description="Days that the audit trail is kept; 0 means for ever"
    )
    exchanges_days: int = Field(
        default=90, ge=0, le=36_500, description="Days that single questions and answers are kept; 0 means for ever"
    )
    backups_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days that the office's backups, and what a restore put aside, are kept; 0 means for ever",
    )


class Settings(Frozen):
    """Live behaviour: changed in the office, effective everywhere in under a second."""

    default_language: Language = Field(default="ru", description="Language when the text does not tell")
    time_zone: str = Field(default="Europe/Moscow", description="IANA time zone of {current_time} and its like")
    default_persona: str = Field(default="anna", description="Persona of turns that name none")
    default_route: str = Field(default="local", description="Which model answers when the request names none")
    faq: FaqSettings = FaqSettings()
    llm: LlmSettings = LlmSettings()
    speech: SpeechSettings = SpeechSettings()
    limits: Limits = Limits()
    outbound: OutboundSettings = OutboundSettings()
    privacy: PrivacySettings = PrivacySettings()


class KeyLimits(Frozen):
    """How much one API key may do; 0 means no limit. Days are those of UTC.

    Requests and streams are counted by each door process for itself, days over all doors together: each door knows
    what the others used up to about a second ago, so that a budget can be passed by what is under way at its end.
    """

    requests_per_minute: int = Field(
        default=0, ge=0, le=1_000_000, description="In place of limits.requests_per_minute; 0 leaves that in force"
    )
    tokens_per_day: int = Field(default=0, ge=0, le=10**12, description="Tokens read and written by language models")
    audio_seconds_per_day: int = Field(default=0, ge=0, le=10**9, description="Seconds of sound spoken or transcribed")
    concurrent_streams: int = Field(default=0, ge=0, le=10_000, description="Answers and speeches at once")


class ApiKey(Frozen):
    """A credential of ``/v1``; only its SHA-256 leaves the office. ``prefix`` is shown to people."""

    id: int
    name: str
    prefix: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the key, hex")
    scopes: tuple[str, ...] = ("chat", "audio", "metrics")
    limits: KeyLimits = KeyLimits()
    owner: str = Field(default="", max_length=100, description="For whom or what the key was made")
    expires_at: datetime | None = None


class BotSpec(Frozen):
    """A Telegram bot as declared in storage. ``sealed_token`` is opened only inside the bot's own process."""

    id: Slug
    name: str
    enabled: bool = True
    sealed_token: str = Field(default="", repr=False)
    api_url: str = "https://api.telegram.org"
    allowed_users: tuple[int, ...] = Field(default=(), description="Telegram user ids; empty means everyone")
    welcome_message: str = ""
    unauthorized_message: str = ""
    error_message: str = ""
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    voice_id: str = ""
    answer_voice_with_voice: bool = True
    version: int = 1

    @property
    def overrides(self) -> Overrides:
        """What this bot says of how to answer. Raises ModelNotFound for a route of another version."""
        return Overrides(persona_id=self.persona_id or None, route=Route.parse(self.route))


class PresetParams(Frozen):
    """How speech is synthesised. ``speed`` is in force with every engine; the rest is for engines that sample."""

    temperature: float = Field(default=0.7, gt=0, le=2)
    repetition_penalty: float = Field(default=5.0, ge=1, le=20)
    top_k: int = Field(default=50, ge=1, le=1000)
    top_p: float = Field(default=0.85, gt=0, le=1)
    speed: float = Field(default=1.0, ge=0.25, le=4, description="Factor of the speaking rate")
    gpt_cond_len: int = Field(default=12, ge=1, le=60, description="Seconds of the sample that condition the voice")
    gpt_cond_chunk_len: int = Field(default=4, ge=1, le=60, description="Seconds of one piece of that sample")


class Preset(Frozen):
    """Synthesis parameters under a name. Builtin ones come with the program."""

    name: str
    display_name: str = ""
    params: PresetParams = PresetParams()
    builtin: bool = False
    version: int = 1


class VoiceChoice(Frozen):
    """What people decided about one voice; a voice without one is as its engine describes it."""

    id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    preset: str = ""
    version: int = 1


class ProviderParams(Frozen):
    """Sampling of one provider's model; None leaves the general setting."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.1, le=2)] | None = None


class ProviderSpec(Frozen):
    """A language model behind somebody else's API. ``sealed_api_key`` is for ``key_origin`` and sent nowhere else;
    ``sealed_proxies`` are links of the ways to it, one per line. Both are opened only where the call is made."""

    id: Slug
    name: str
    provider_type: str
    base_url: str = ""
    model_name: str
    enabled: bool = True
    is_default: bool = False
    params: ProviderParams = ProviderParams()
    sealed_api_key: str = Field(default="", repr=False)
    key_hint: str = Field(default="", repr=False, description="Last characters of the key")
    key_origin: str = ""
    sealed_proxies: str = Field(default="", repr=False)
    description: str = ""
    version: int = 1


class RouteChain(Frozen):
    """A name under which several routes answer, the first that works: local, cloud:<id> or chain:<name>."""

    name: Slug
    routes: tuple[str, ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = ""
    version: int = 1


class WidgetSpec(Frozen):
    """A chat window on somebody's website. ``allowed_domains`` are exact host names, IDN in its ASCII form."""

    id: Slug
    name: str
    description: str = ""
    enabled: bool = True
    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    primary_color: str = "#6366f1"
    position: Literal["left", "right"] = "right"
    allowed_domains: tuple[str, ...] = ()
    tunnel_url: str = ""
    language: Language = "ru"
    route: str = ""
    persona_id: str = ""
    system_prompt: str = ""
    voice_id: str = ""
    tts_preset: str = ""
    version: int = 1


class Snapshot(Frozen):
    """One consistent view of the stored state. ``revision`` rises by one with every committed change."""

    revision: int = 0
    settings: Settings = Settings()
    faq: tuple[FaqEntry, ...] = ()
    personas: tuple[Persona, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    bots: tuple[BotSpec, ...] = ()
    voices: tuple[VoiceChoice, ...] = ()
    presets: tuple[Preset, ...] = ()
    providers: tuple[ProviderSpec, ...] = ()
    chains: tuple[RouteChain, ...] = ()
    widgets: tuple[WidgetSpec, ...] = ()
    cache_epoch: int = Field(default=0, description="Rises when the memory of spoken phrases is to be emptied")

    def preset(self, name: str) -> Preset | None:
        """The speech preset of this name."""
        return next((preset for preset in self.presets if preset.name == name), None)

    def voice_choice(self, voice_id: str) -> VoiceChoice | None:
        """What people decided about this voice."""
        return next((choice for choice in self.voices if choice.id == voice_id), None)

    def persona(self, persona_id: str | None) -> Persona | None:
        """The named persona, the default one, the first one, or None when there are none."""
        wanted = (persona_id, self.settings.default_persona)
        by_id = {p.id: p for p in self.personas}
        return next((by_id[i] for i in wanted if i in by_id), next(iter(self.personas), None))


class Exchange(Frozen):
    """One finished question and answer, as a door reports it to the office."""

    turn_id: str
    session_id: str | None = None
    source_kind: str
    source_id: str = ""
    question: str
    answer: str
    route: str
    model: str = ""
    faq_entry_id: int | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0
    total_ms: float = 0
    finished: bool = Field(default=True, description="False when the client went away before the end")
    created_at: datetime
