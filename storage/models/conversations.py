"""What was said: stored conversations, their messages, every exchange and the reports that brought them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, now


class ChatSessionRow(Base):
    """A conversation with one person at one source. Only one of them is running: the one without ``ended_at``."""

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
    )

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[str] = mapped_column(String(100))
    person: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class ChatMessageRow(Base):
    __tablename__ = "chat_messages"
    __table_args__ = (Index("ix_chat_messages_session", "session_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    turn_id: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class ExchangeRow(Base):
    """One question and answer. ``turn_id`` is unique: an exchange is stored once however often it is reported.

    ``session_id`` and ``faq_entry_id`` are plain values: the record outlives the conversation and the entry.
    """

    __tablename__ = "exchanges"

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
    audio_seconds: Mapped[float]
    total_ms: Mapped[float]
    finished: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(index=True)


class AcceptedReportRow(Base):
    """A report that was stored, kept for a day: the same (door, sequence) with the same content is a repetition."""

    __tablename__ = "accepted_reports"

    door: Mapped[str] = mapped_column(String(200), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime] = mapped_column(default=now, index=True)
