"""Tables of the configuration: FAQ entries, personas, settings, bots and widgets."""

from datetime import datetime

from sqlalchemy import JSON, String, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import EMPTY, EMPTY_LIST, EMPTY_OBJECT, NEVER_DIRECT, Base, JsonValue, now


class FaqRow(Base):
    """An FAQ entry. ``question_key`` is the comparison key of the question, ``search_text`` that of all texts."""

    __tablename__ = "faq_entries"
    __table_args__ = (
        UniqueConstraint("language", "question_key"),
        {"sqlite_autoincrement": True},  # ids are never reused: late hits of a deleted entry must not count for another
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(String(500))
    question_key: Mapped[str] = mapped_column(String(500))
    answer: Mapped[str] = mapped_column(Text)
    alternatives: Mapped[list[str]]
    keywords: Mapped[list[str]]
    search_text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(3))
    enabled: Mapped[bool] = mapped_column(default=True)
    topic: Mapped[str] = mapped_column(String(50), default="", server_default=EMPTY, index=True)
    hits: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class PersonaRow(Base):
    """A persona, with a prompt, its variables, a voice and a fallback answer per language."""

    __tablename__ = "personas"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    prompts: Mapped[dict[str, str]]
    voices: Mapped[dict[str, str]]
    fallback_answers: Mapped[dict[str, str]] = mapped_column(default=dict, server_default=EMPTY_OBJECT)
    variables: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=dict, server_default=EMPTY_OBJECT)
    route: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    llm_params: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=dict, server_default=EMPTY_OBJECT)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class SettingRow(Base):
    """A changed top-level field of ``Settings``. Fields without a row have the program's default."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[JsonValue] = mapped_column(JSON())
    revision: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class BotRow(Base):
    """A Telegram bot. ``sealed_token`` is encrypted with the installation's secret key."""

    __tablename__ = "bot_instances"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="", server_default=EMPTY)
    enabled: Mapped[bool] = mapped_column(default=True)
    sealed_token: Mapped[str] = mapped_column(Text)
    api_url: Mapped[str] = mapped_column(String(500))
    sealed_proxies: Mapped[str] = mapped_column(Text, default="", server_default=EMPTY)
    proxy_policy: Mapped[str] = mapped_column(String(20), default=NEVER_DIRECT, server_default=NEVER_DIRECT)
    proxy_preferred: Mapped[int] = mapped_column(default=0, server_default="0")
    proxy_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    access: Mapped[str] = mapped_column(String(10), default="listed", server_default="listed")
    allowed_users: Mapped[list[int]]
    admin_users: Mapped[list[int]] = mapped_column(default=list, server_default=EMPTY_LIST)
    welcome_message: Mapped[str] = mapped_column(Text)
    help_message: Mapped[str] = mapped_column(Text, default="", server_default=EMPTY)
    unauthorized_message: Mapped[str] = mapped_column(Text)
    error_message: Mapped[str] = mapped_column(Text)
    typing_enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    language: Mapped[str] = mapped_column(String(3))
    route: Mapped[str] = mapped_column(String(100))
    persona_id: Mapped[str] = mapped_column(String(50))
    system_prompt: Mapped[str] = mapped_column(Text, default="", server_default=EMPTY)
    llm_params: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=dict, server_default=EMPTY_OBJECT)
    voice_id: Mapped[str] = mapped_column(String(100))
    tts_preset: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    answer_voice_with_voice: Mapped[bool]
    action_buttons: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=list, server_default=EMPTY_LIST)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    def __repr__(self) -> str:
        return f"BotRow(id={self.id!r}, name={self.name!r})"


class WidgetRow(Base):
    """A chat widget of a website. ``allowed_domains`` are exact hosts. An empty list allows none."""

    __tablename__ = "widget_instances"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    title: Mapped[str] = mapped_column(String(100))
    greeting: Mapped[str] = mapped_column(Text)
    placeholder: Mapped[str] = mapped_column(String(200))
    primary_color: Mapped[str] = mapped_column(String(7))
    position: Mapped[str] = mapped_column(String(10))
    allowed_domains: Mapped[list[str]]
    tunnel_url: Mapped[str] = mapped_column(String(500), default="")
    language: Mapped[str] = mapped_column(String(3))
    route: Mapped[str] = mapped_column(String(100), default="")
    persona_id: Mapped[str] = mapped_column(String(50), default="")
    system_prompt: Mapped[str] = mapped_column(Text, default="")
    llm_params: Mapped[JsonValue] = mapped_column(JSON(), nullable=False, default=dict, server_default=EMPTY_OBJECT)
    voice_id: Mapped[str] = mapped_column(String(100), default="")
    tts_preset: Mapped[str] = mapped_column(String(100), default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
