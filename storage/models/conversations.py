"""Tables of conversations: sessions, messages, exchanges, reports, recordings and usage."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import EMPTY, EMPTY_OBJECT, Base, JsonValue, now


class ChatSessionRow(Base):
    """A conversation of a person at a source. At most one of them has no ``ended_at``: the running one.

    ``leaf_id`` is the last message of the selected branch. ``message_count`` and ``last_message`` are derived from the
    messages, so that a list of conversations does not read them. ``system_prompt`` None means the persona's prompt.
    ``title_key`` is the comparison key of the title. ``mode`` is the id of the button pressed in Telegram.
    """

    __tablename__ = "chat_sessions"
    __table_args__ = (
        Index(
            "uq_chat_sessions_running",
            "source",
            "source_id",
            "person",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_chat_sessions_newest", "updated_at", "id"),
        Index("ix_chat_sessions_source_newest", "source", "updated_at"),
        Index("ix_chat_sessions_owner_newest", "owner", "updated_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[str] = mapped_column(String(100))
    person: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(255), default="", server_default=EMPTY)
    title_key: Mapped[str] = mapped_column(String(255), default="", server_default=EMPTY)
    owner: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    system_prompt: Mapped[str | None] = mapped_column(Text)
    persona_id: Mapped[str] = mapped_column(String(50), default="", server_default=EMPTY)
    route: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    params: Mapped[JsonValue] = mapped_column(JSON(), default=dict, server_default=EMPTY_OBJECT)
    voice_id: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    mode: Mapped[str] = mapped_column(String(50), default="", server_default=EMPTY)
    leaf_id: Mapped[int | None]
    message_count: Mapped[int] = mapped_column(default=0, server_default="0")
    last_message: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class ChatMessageRow(Base):
    """A message of a conversation. ``parent_id`` is the message before it. Children of one message are branches."""

    __tablename__ = "chat_messages"
    __table_args__ = (Index("ix_chat_messages_session", "session_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("chat_messages.id", ondelete="CASCADE"), index=True)
    turn_id: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    edited: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]


class ExchangeRow(Base):
    """A question and its answer. ``turn_id`` is unique, so a repeated report stores an exchange once.

    ``session_id`` and ``faq_entry_id`` are not foreign keys: an exchange outlives the conversation and the entry.
    ``needs_answer`` marks a question without an answer, until somebody writes one or dismisses the question.
    """

    __tablename__ = "exchanges"
    __table_args__ = (
        Index(
            "ix_exchanges_needs_answer",
            "created_at",
            sqlite_where=text("needs_answer = 1"),
            postgresql_where=text("needs_answer"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[str] = mapped_column(String(100), unique=True)
    session_id: Mapped[str | None] = mapped_column(String(50), index=True)
    source_kind: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[str] = mapped_column(String(100))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(String(100))
    model: Mapped[str] = mapped_column(String(200))
    faq_entry_id: Mapped[int | None]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost: Mapped[float] = mapped_column(default=0.0, server_default="0")
    audio_seconds: Mapped[float]
    language: Mapped[str] = mapped_column(String(35), default="", server_default=EMPTY)
    faq_rule: Mapped[str] = mapped_column(String(20), default="", server_default=EMPTY)
    faq_score: Mapped[float] = mapped_column(default=0.0, server_default="0")
    faq_ms: Mapped[float | None]
    first_token_ms: Mapped[float | None]
    first_sentence_ms: Mapped[float | None]
    first_audio_ms: Mapped[float | None]
    total_ms: Mapped[float]
    finished: Mapped[bool]
    error: Mapped[str] = mapped_column(String(50), default="", server_default=EMPTY)
    needs_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(index=True)


class AcceptedReportRow(Base):
    """A report that was stored within the last day. The same door, sequence and digest identify a repetition."""

    __tablename__ = "accepted_reports"

    door: Mapped[str] = mapped_column(String(200), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime] = mapped_column(default=now, index=True)


class RecordingRow(Base):
    """A recording: a file below the data folder and its transcript."""

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"), index=True)
    turn_id: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[str] = mapped_column(String(100), default="")
    person: Mapped[str] = mapped_column(String(200), default="", index=True)
    path: Mapped[str] = mapped_column(String(500))
    media_type: Mapped[str] = mapped_column(String(50))
    seconds: Mapped[float]
    size_bytes: Mapped[int]
    transcript: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class FileDeletionRow(Base):
    """An unreferenced file below the data folder that is to be deleted."""

    __tablename__ = "file_deletions"

    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class UsageRow(Base):
    """Usage of one day (UTC, ``YYYY-MM-DD``), API key (0: none), source and route."""

    __tablename__ = "usage"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    route: Mapped[str] = mapped_column(String(100), primary_key=True)
    requests: Mapped[int] = mapped_column(default=0)
    prompt_tokens: Mapped[int] = mapped_column(default=0)
    completion_tokens: Mapped[int] = mapped_column(default=0)
    audio_seconds: Mapped[float] = mapped_column(default=0)
    cost: Mapped[float] = mapped_column(default=0.0, server_default="0")
