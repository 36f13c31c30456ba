"""Settings of the secretary. Field descriptions appear in ``docs/settings.md`` and in the panel."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic.config import JsonDict

from deployments.contracts.frozen_model import FrozenModel, Language
from deployments.contracts.outbound import AllowedHost

VoiceName = Annotated[str, Field(min_length=1, max_length=100)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Phrase = Annotated[str, Field(min_length=1, max_length=200)]

_TURN: JsonDict = {"scope": "turn"}
_REQUEST: JsonDict = {"scope": "request"}
_KEY: JsonDict = {"scope": "key"}
_DOOR: JsonDict = {"scope": "door"}
_INSTALLATION: JsonDict = {"scope": "installation"}
_FOR_ADMINISTRATORS: JsonDict = {"changed_by": "admin"}


class FaqSettings(FrozenModel):
    ranked_threshold: float = Field(
        default=82.0,
        ge=0,
        le=100,
        description="Minimum score (0..100) of a ranked match",
        json_schema_extra=_TURN,
    )
    ranked_margin: float = Field(
        default=4.0,
        ge=0,
        le=100,
        description="Minimum lead of the best match over the best match with another answer",
        json_schema_extra=_TURN,
    )
    meaning_enabled: bool = Field(
        default=True, description="Match questions by meaning where no words match", json_schema_extra=_TURN
    )
    meaning_threshold: float = Field(
        default=75.0, ge=0, le=100, description="Lowest similarity of meaning (0..100)", json_schema_extra=_TURN
    )
    meaning_margin: float = Field(
        default=5.0,
        ge=0,
        le=100,
        description="By how much the nearest meaning must beat the nearest other answer",
        json_schema_extra=_TURN,
    )
    meaning_across_languages: bool = Field(
        default=False,
        description="Answer with an entry in another language when no entry in the question's language means the same",
        json_schema_extra=_TURN,
    )


class LlmSettings(FrozenModel):
    temperature: float = Field(
        default=0.7, ge=0, le=2, description="Default sampling temperature", json_schema_extra=_TURN
    )
    top_p: float = Field(
        default=0.9, gt=0, le=1, description="Default nucleus sampling probability", json_schema_extra=_TURN
    )
    max_tokens: int = Field(
        default=512,
        ge=1,
        le=32_768,
        description="Default maximum length of an answer, in tokens",
        json_schema_extra=_TURN,
    )
    repetition_penalty: float = Field(
        default=1.1,
        ge=1,
        le=2,
        description="Default repetition penalty; 1 disables it",
        json_schema_extra=_TURN,
    )
    history_tokens: int = Field(
        default=1_500,
        ge=100,
        le=1_000_000,
        description="Maximum length of system prompt and history, in tokens (estimated)",
        json_schema_extra=_TURN,
    )
    first_token_timeout_s: float = Field(
        default=60, gt=0, le=600, description="Timeout for the first token, in seconds", json_schema_extra=_TURN
    )
    idle_timeout_s: float = Field(
        default=30, gt=0, le=600, description="Timeout between two tokens, in seconds", json_schema_extra=_TURN
    )
    connect_timeout_s: float = Field(
        default=10,
        gt=0,
        le=120,
        description="Timeout to connect to a cloud provider, in seconds",
        json_schema_extra=_TURN,
    )
    total_timeout_s: float = Field(
        default=600,
        gt=0,
        le=3_600,
        description="Timeout of a whole answer of a cloud provider, in seconds",
        json_schema_extra=_TURN,
    )
    answer_in_any_language: bool = Field(
        default=False,
        description="Let a model also answer questions in languages that it does not speak",
        json_schema_extra=_TURN,
    )


class SpeechSettings(FrozenModel):
    default_voices: dict[Language, VoiceName] = Field(
        default_factory=dict, description="language -> voice id, for personas without a voice", json_schema_extra=_TURN
    )
    rescue_voices: dict[Language, VoiceName] = Field(
        default_factory=dict,
        description="language -> voice id that goes on when a phone line is about to run dry; none: the next engine",
        json_schema_extra=_TURN,
    )
    rescue_lead_s: float = Field(
        default=0.4,
        ge=0,
        le=5,
        description="Sound left on a phone line when the rescue voice goes on, in seconds; 0: there is no rescue",
        json_schema_extra=_TURN,
    )
    rescue_start_s: float = Field(
        default=3,
        gt=0,
        le=60,
        description="How long a silent phone line waits for the first sound before the rescue voice speaks, in seconds",
        json_schema_extra=_TURN,
    )
    fillers: dict[Language, Phrase] = Field(
        default={"ru": "Одну минуту, пожалуйста.", "en": "One moment, please."},
        description="language -> phrase that a phone line speaks while it waits for the text (filler_after_ms)",
        json_schema_extra=_TURN,
    )
    max_input_chars: int = Field(
        default=4_096, ge=1, le=100_000, description="Maximum length of one speech request", json_schema_extra=_REQUEST
    )
    speed: float = Field(default=1.0, ge=0.25, le=4, description="Default speaking rate", json_schema_extra=_TURN)
    default_preset: str = Field(
        default="neutral",
        max_length=100,
        description="Speech preset of voices without one",
        json_schema_extra=_TURN,
    )
    cache_mb: int = Field(
        default=64,
        ge=0,
        le=4_096,
        description="Memory of the phrase cache per door; 0 disables it",
        json_schema_extra=_DOOR,
    )
    ready_answers_mb: int = Field(
        default=256,
        ge=0,
        le=1_000_000,
        description="Disk space of answers that are spoken when they are saved; 0 disables them",
        json_schema_extra=_INSTALLATION,
    )


class Limits(FrozenModel):
    max_body_mb: int = Field(
        default=2, ge=1, le=100, description="Maximum size of a JSON body", json_schema_extra=_REQUEST
    )
    max_upload_mb: int = Field(
        default=25,
        ge=1,
        le=500,
        description="Maximum size of an upload; a recording has at most 64 MiB",
        json_schema_extra=_REQUEST,
    )
    max_bodies_mb: int = Field(
        default=120,
        ge=1,
        le=10_000,
        description="Memory of a door for the bodies of requests in progress; two thirds for one caller",
        json_schema_extra=_DOOR,
    )
    max_uploads_mb: int = Field(
        default=200,
        ge=1,
        le=10_000,
        description="Memory of the machine for uploads to a door in progress; two thirds for one caller",
        json_schema_extra=_DOOR,
    )
    max_audio_minutes: int = Field(
        default=60, ge=1, le=600, description="Maximum length of audio to transcribe", json_schema_extra=_REQUEST
    )
    max_messages: int = Field(
        default=500,
        ge=1,
        le=10_000,
        description="Maximum number of messages in one chat request",
        json_schema_extra=_REQUEST,
    )
    max_embedding_tokens: int = Field(
        default=20_000,
        ge=100,
        le=1_000_000,
        description="Maximum length of the texts of one embeddings request, in tokens of the model",
        json_schema_extra=_REQUEST,
    )
    requests_per_minute: int = Field(
        default=0, ge=0, le=1_000_000, description="Per API key; 0 means no limit", json_schema_extra=_KEY
    )
    max_live_streams: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Concurrent answers, speech requests and live talks per door",
        json_schema_extra=_DOOR,
    )


class ModelSettings(FrozenModel):
    """Names of models in requests of the OpenAI API."""

    aliases: dict[ModelName, ModelName] = Field(
        default_factory=dict,
        max_length=200,
        description="Further names -> names of GET /v1/models, in any case: gpt-4o -> secretary",
        json_schema_extra=_REQUEST,
    )
    unknown_as_secretary: bool = Field(
        default=False,
        description="Answer requests for unknown chat and embedding models instead of refusing them",
        json_schema_extra=_REQUEST,
    )


class OutboundSettings(FrozenModel):
    """Where the secretary may send requests besides the public internet."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Private hosts and networks that may be called, also over http: localhost:8000, 10.0.0.0/24",
        json_schema_extra=_INSTALLATION,
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _parse_allowed_hosts(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            AllowedHost.parse(text)
        return texts


MIN_AUDIT_DAYS = 7
"""The minimum retention of the audit log."""


class PrivacySettings(FrozenModel):
    """What is kept, and for how many days. 0 means for ever."""

    keep_recordings: bool = Field(
        default=False,
        description="Keep the sound of voice messages to Telegram bots, to be heard in the conversations",
        json_schema_extra=_INSTALLATION,
    )

    messages_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days that messages are kept; 0 means for ever",
        json_schema_extra=_INSTALLATION,
    )
    audio_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="Days that recordings are kept; 0 means for ever",
        json_schema_extra=_INSTALLATION,
    )
    audit_days: int = Field(
        default=365,
        ge=0,
        le=36_500,
        description="Days that the audit log is kept, 7 or more; 0 means for ever",
        json_schema_extra=_INSTALLATION,
    )
    exchanges_days: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description="Days that single questions and answers are kept; 0 means for ever",
        json_schema_extra=_INSTALLATION,
    )
    backups_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days that backups, and files replaced by a restore, are kept; 0 means for ever",
        json_schema_extra=_INSTALLATION,
    )

    @field_validator("audit_days")
    @classmethod
    def _require_min_audit_days(cls, days: int) -> int:
        if 0 < days < MIN_AUDIT_DAYS:
            raise ValueError(f"the audit trail is kept for {MIN_AUDIT_DAYS} days at least, or for ever (0)")
        return days


class Settings(FrozenModel):
    """Live settings. Changes take effect everywhere in under a second.

    ``scope`` in the schema says what a field applies to: each ``turn`` that does not override it, each ``request``,
    each API ``key``, each ``door`` process, or the ``installation``. Groups with ``changed_by`` admin need the admin
    role, like all fields that ``OPERATOR_FIELDS`` does not name.
    """

    default_language: Language = Field(
        default="ru", description="Language of texts whose language cannot be detected", json_schema_extra=_TURN
    )
    time_zone: str = Field(
        default="Europe/Moscow",
        description="IANA time zone of placeholders such as {current_time}",
        json_schema_extra=_TURN,
    )
    default_persona: str = Field(default="anna", description="Persona of turns without one", json_schema_extra=_TURN)
    default_route: str = Field(default="local", description="Route of requests without one", json_schema_extra=_TURN)
    faq: FaqSettings = FaqSettings()
    llm: LlmSettings = LlmSettings()
    speech: SpeechSettings = SpeechSettings()
    models: ModelSettings = Field(default=ModelSettings(), json_schema_extra=_FOR_ADMINISTRATORS)
    limits: Limits = Field(default=Limits(), json_schema_extra=_FOR_ADMINISTRATORS)
    outbound: OutboundSettings = Field(default=OutboundSettings(), json_schema_extra=_FOR_ADMINISTRATORS)
    privacy: PrivacySettings = Field(default=PrivacySettings(), json_schema_extra=_FOR_ADMINISTRATORS)
