"""Tables of engine settings: voices, speech presets, cloud providers and route chains."""

from datetime import datetime

from sqlalchemy import JSON, Double, ForeignKey, String, Text, true
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import EMPTY_LIST, NEVER_DIRECT, Base, JsonValue, now


class VoiceRow(Base):
    """Settings of a voice. A voice without a row is used as its engine describes it."""

    __tablename__ = "voices"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    tts_preset: Mapped[str] = mapped_column(String(100), default="")
    pronunciations: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=list, server_default=EMPTY_LIST)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class VoiceConsentRow(Base):
    """A person's consent to cloned voices. ``wording`` is the text that was read aloud, ``recording`` the path of its
    recording, relative to the data folder. ``owner`` is the API key that recorded it (``key 3``), "" the panel.
    ``pitch_hz`` is the pitch of the voice, 0 when it is not known."""

    __tablename__ = "voice_consents"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), index=True)
    language: Mapped[str] = mapped_column(String(35))
    wording: Mapped[str] = mapped_column(Text)
    recording: Mapped[str] = mapped_column(String(500), default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    pitch_hz: Mapped[float] = mapped_column(default=0.0)
    owner: Mapped[str] = mapped_column(String(100), default="")
    recorded_by: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    given_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(String(100), default="")


class ClonedVoiceRow(Base):
    """A cloned voice and the consent to it. ``size_bytes`` and ``seconds`` are those of its samples."""

    __tablename__ = "cloned_voices"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    consent_id: Mapped[str] = mapped_column(ForeignKey("voice_consents.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    languages: Mapped[list[str]]
    seconds: Mapped[float] = mapped_column(default=0.0)
    size_bytes: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class TtsPresetRow(Base):
    """Named speech synthesis parameters. Builtin presets are read-only."""

    __tablename__ = "tts_presets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    display_name: Mapped[str] = mapped_column(String(100), default="")
    params: Mapped[JsonValue] = mapped_column(JSON(), default=dict)
    builtin: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class CloudProviderRow(Base):
    """A cloud LLM provider. ``sealed_api_key`` is sent to ``key_origin`` only. ``sealed_proxies`` are links, one per
    line."""

    __tablename__ = "cloud_llm_providers"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    provider_type: Mapped[str] = mapped_column(String(30))
    sealed_api_key: Mapped[str] = mapped_column(Text, default="")
    key_hint: Mapped[str] = mapped_column(String(10), default="")
    key_origin: Mapped[str] = mapped_column(String(300), default="")
    base_url: Mapped[str] = mapped_column(String(500), default="")
    model_name: Mapped[str] = mapped_column(String(200))
    languages: Mapped[list[str]] = mapped_column(default=list, server_default=EMPTY_LIST)
    enabled: Mapped[bool] = mapped_column(default=True)
    is_default: Mapped[bool] = mapped_column(default=False)
    params: Mapped[JsonValue] = mapped_column(JSON(), default=dict)
    sealed_proxies: Mapped[str] = mapped_column(Text, default="")
    proxy_policy: Mapped[str] = mapped_column(String(20), default=NEVER_DIRECT, server_default=NEVER_DIRECT)
    proxy_preferred: Mapped[int] = mapped_column(default=0, server_default="0")
    proxy_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    input_price: Mapped[float | None]
    output_price: Mapped[float | None]
    budget_per_day: Mapped[float] = mapped_column(default=0.0, server_default="0")
    description: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    def __repr__(self) -> str:
        return f"CloudProviderRow(id={self.id!r}, name={self.name!r})"


class RouteChainRow(Base):
    """A named list of routes. The first one that works answers."""

    __tablename__ = "llm_routes"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    routes: Mapped[list[str]]
    continue_cut_answers: Mapped[bool] = mapped_column(default=True, server_default=true())
    step_timeout_s: Mapped[float | None] = mapped_column(Double)
    hedge_after_ms: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
