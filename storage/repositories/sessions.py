"""Stored conversations in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.chat import ChatMessage, Role, Source, SourceKind
from deployments.contracts.settings import Exchange
from storage.models import ChatMessageRow, ChatSessionRow
from storage.models.base import now


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A conversation in a list. ``person`` is the id the source knows the person by."""

    id: str
    person: str
    display_name: str
    created_at: datetime
    updated_at: datetime


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def running(self, source: Source, person: str) -> str | None:
        """The id of the person's running conversation at this source."""
        found: str | None = await self._session.scalar(
            select(ChatSessionRow.id).where(*_of(source, person), ChatSessionRow.ended_at.is_(None))
        )
        return found

    async def begin(self, source: Source, person: str, display_name: str) -> str:
        """Begins a conversation and returns its id. The person must have none running."""
        row = ChatSessionRow(
            id=f"chat_{uuid4().hex}",
            source=source.kind.value,
            source_id=source.instance_id,
            person=person,
            display_name=display_name,
        )
        self._session.add(row)
        await self._session.flush()
        return row.id

    async def end_running(self, source: Source, person: str) -> None:
        """Ends the person's running conversation, if any; it stays in the history."""
        running = update(ChatSessionRow).where(*_of(source, person), ChatSessionRow.ended_at.is_(None))
        await self._session.execute(running.values(ended_at=now()))

    async def running_at(self, source: Source, limit: int, offset: int) -> tuple[tuple[SessionSummary, ...], int]:
        """Running conversations at ``source``, the last touched first, and how many there are."""
        running = select(ChatSessionRow).where(*_running_at(source))
        page = running.order_by(ChatSessionRow.updated_at.desc(), ChatSessionRow.id).limit(limit).offset(offset)
        total = await self._session.scalar(select(func.count()).select_from(running.subquery()))
        rows = await self._session.scalars(page)
        return tuple(
            SessionSummary(row.id, row.person, row.display_name, row.created_at, row.updated_at) for row in rows
        ), total or 0

    async def end_all(self, source: Source, person: str | None = None) -> int:
        """Ends the running conversations at ``source``, or the one of ``person``; how many there were."""
        these = select(ChatSessionRow).where(*_running_at(source))
        rows = (
            await self._session.scalars(these if person is None else these.where(ChatSessionRow.person == person))
        ).all()
        for row in rows:
            row.ended_at = now()
        await self._session.flush()
        return len(rows)

    async def source_of(self, session_id: str) -> Source | None:
        """Where the conversation takes place; None when there is no such conversation."""
        row = await self._session.get(ChatSessionRow, session_id)
        return Source(SourceKind(row.source), row.source_id) if row is not None else None

    async def newest_messages(self, session_id: str, limit: int) -> tuple[ChatMessage, ...]:
        """The last ``limit`` messages, oldest first."""
        of_session = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id)
        rows = await self._session.scalars(of_session.order_by(ChatMessageRow.id.desc()).limit(limit))
        return tuple(ChatMessage(cast(Role, row.role), row.content) for row in reversed(rows.all()))

    async def append(self, session_id: str, exchange: Exchange) -> None:
        """Adds what was asked and, unless it is empty, what was answered."""
        self._session.add_all(_messages(session_id, exchange))
        await self._session.flush()
        touched = update(ChatSessionRow).where(ChatSessionRow.id == session_id)
        await self._session.execute(touched.values(updated_at=now()))


def _running_at(source: Source) -> tuple[ColumnElement[bool], ...]:
    return (
        ChatSessionRow.source == source.kind.value,
        ChatSessionRow.source_id == source.instance_id,
        ChatSessionRow.ended_at.is_(None),
    )


def _of(source: Source, person: str) -> tuple[ColumnElement[bool], ...]:
    return (
        ChatSessionRow.source == source.kind.value,
        ChatSessionRow.source_id == source.instance_id,
        ChatSessionRow.person == person,
    )


def _messages(session_id: str, exchange: Exchange) -> Sequence[ChatMessageRow]:
    return [
        ChatMessageRow(
            session_id=session_id,
            turn_id=exchange.turn_id,
            role=role,
            content=content,
            created_at=exchange.created_at,
        )
        for role, content in (("user", exchange.question), ("assistant", exchange.answer))
        if content
    ]
