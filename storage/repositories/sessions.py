"""Conversations, without their messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast
from uuid import uuid4

from sqlalchemy import ColumnElement, Executable, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.chat import GenerationOptions, Overrides, Route, SourceKind, TurnSource
from deployments.contracts.sessions import StoredSession
from deployments.contracts.storable_text import replace_unstorable_characters
from storage.batches import batches
from storage.comparison import comparison_key
from storage.models import ChatMessageRow, ChatSessionRow, ConsentRow, RecordingRow
from storage.models.base import JsonValue, now
from storage.repositories.session_filter import SessionFilter, matching_sessions

BulkT = TypeVar("BulkT", bound=Executable)

_MAX_TITLE_KEY = 255
_PARAMS = ("temperature", "max_tokens", "top_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A running conversation in a list. ``person`` is the person's id at the source."""

    id: str
    person: str
    display_name: str
    created_at: datetime
    updated_at: datetime


class SessionRepository:
    """Stores conversations. A person has at most one running conversation at a source."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get_running(self, source: TurnSource, person: str) -> StoredSession | None:
        """The person's running conversation at this source."""
        row = await self._session.scalar(
            select(ChatSessionRow).where(*_of_person(source, person), ChatSessionRow.ended_at.is_(None))
        )
        return _stored(row) if row is not None else None

    async def begin(self, source: TurnSource, person: str, display_name: str) -> StoredSession:
        """Starts the running conversation of a person, who must have none. In the panel, the person is its owner."""
        owner = person if source.kind is SourceKind.ADMIN else ""
        return await self._insert(source, person, owner, display_name=display_name)

    async def create(self, source: TurnSource, owner: str, title: str, overrides: Overrides) -> StoredSession:
        """Creates a conversation that is not running: its owner opens it by id."""
        row = {**_title_columns(title), **_override_columns(overrides)}
        return await self._insert(source, owner, owner, ended_at=now(), **row)

    async def end_running(self, source: TurnSource, person: str) -> None:
        """Ends the person's running conversation, if any. It is kept."""
        running = update(ChatSessionRow).where(*_of_person(source, person), ChatSessionRow.ended_at.is_(None))
        await self._session.execute(running.values(ended_at=now()))

    async def set_mode(self, source: TurnSource, person: str, mode: str) -> None:
        """Sets the mode of the person's running conversation, if any."""
        running = update(ChatSessionRow).where(*_of_person(source, person), ChatSessionRow.ended_at.is_(None))
        await self._session.execute(running.values(mode=mode))

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        """Renames the persons ``<chat>:<user id>`` at ``source`` to ``<to>:<user id>``. A running conversation that a
        person already has under the new name is ended."""
        members = select(ChatSessionRow).where(
            ChatSessionRow.source == source.kind.value,
            ChatSessionRow.source_id == source.instance_id,
            ChatSessionRow.person.startswith(f"{chat}:", autoescape=True),
        )
        for row in (await self._session.scalars(members)).all():
            person = f"{to}:{row.person.removeprefix(f'{chat}:')}"
            if row.ended_at is None:
                await self.end_running(source, person)
            row.person = person
            await self._session.flush()

    async def list_running(self, source: TurnSource, limit: int, offset: int) -> tuple[tuple[RunningSession, ...], int]:
        """A page of running conversations at ``source``, the last updated first, and their total number."""
        running = select(ChatSessionRow).where(*_running_at(source))
        page = running.order_by(ChatSessionRow.updated_at.desc(), ChatSessionRow.id).limit(limit).offset(offset)
        total = await self._session.scalar(select(func.count()).select_from(running.subquery()))
        rows = await self._session.scalars(page)
        return tuple(
            RunningSession(row.id, row.person, row.display_name, row.created_at, row.updated_at) for row in rows
        ), total or 0

    async def end_all(self, source: TurnSource, person: str | None = None) -> int:
        """Ends the running conversations at ``source``, or the one of ``person``. Returns their number."""
        these = select(ChatSessionRow).where(*_running_at(source))
        rows = (
            await self._session.scalars(these if person is None else these.where(ChatSessionRow.person == person))
        ).all()
        for row in rows:
            row.ended_at = now()
        await self._session.flush()
        return len(rows)

    async def get(self, session_id: str) -> StoredSession | None:
        row = await self._row(session_id)
        return _stored(row) if row is not None else None

    async def get_many(self, session_ids: Collection[str]) -> dict[str, StoredSession]:
        """The existing conversations among ``session_ids``, by id."""
        found: dict[str, StoredSession] = {}
        for batch in batches(session_ids):
            rows = await self._session.scalars(select(ChatSessionRow).where(ChatSessionRow.id.in_(batch)))
            found.update((row.id, _stored(row)) for row in rows)
        return found

    async def page(self, criteria: SessionFilter, limit: int, offset: int) -> tuple[tuple[StoredSession, ...], int]:
        """A page of matching conversations, the last updated first, and their total number."""
        found = matching_sessions(criteria)
        newest = found.order_by(ChatSessionRow.updated_at.desc(), ChatSessionRow.id.desc()).limit(limit).offset(offset)
        rows = (await self._session.scalars(newest)).all()
        if len(rows) < limit and (rows or not offset):
            total = offset + len(rows)  # the last page: no count query needed
        else:
            counted = found.with_only_columns(func.count(), maintain_column_froms=True)
            total = await self._session.scalar(counted) or 0
        return tuple(_stored(row) for row in rows), total

    async def change(self, session_id: str, title: str, overrides: Overrides) -> StoredSession:
        """Overwrites title and overrides and increases the version. Raises KeyError when there is none."""
        row = await self._row(session_id)
        if row is None:
            raise KeyError(session_id)
        for name, value in (_title_columns(title) | _override_columns(overrides)).items():
            setattr(row, name, value)
        row.version += 1
        await self._session.flush()
        return _stored(row)

    async def set_title_if_empty(self, session_id: str, title: str) -> None:
        """Sets the title of a conversation that has none."""
        unnamed = update(ChatSessionRow).where(ChatSessionRow.id == session_id, ChatSessionRow.title == "")
        await self._session.execute(unnamed.values(_title_columns(title)))

    async def remove(self, session_ids: Sequence[str]) -> int:
        """Deletes conversations with their messages, and returns the number of conversations. Remove their recordings
        before.

        Parents of messages are cleared first: a cascade along them would exceed SQLite's depth limit of 1,000.
        """
        own = ChatMessageRow.session_id.in_(session_ids)
        await self._session.execute(without_session_sync(update(ChatMessageRow).where(own).values(parent_id=None)))
        await self._session.execute(without_session_sync(delete(ChatMessageRow).where(own)))
        found = await self._session.execute(
            without_session_sync(
                delete(ChatSessionRow).where(ChatSessionRow.id.in_(session_ids)).returning(ChatSessionRow.id)
            )
        )
        return len(found.all())

    async def unused_since(self, moment: datetime, limit: int) -> tuple[str, ...]:
        """Ids of conversations that were not updated since ``moment``, the oldest first."""
        idle = select(ChatSessionRow.id).where(ChatSessionRow.updated_at < moment)
        return tuple(await self._session.scalars(idle.order_by(ChatSessionRow.updated_at).limit(limit)))

    async def of_person(self, person: str, source: str | None, source_id: str | None) -> tuple[StoredSession, ...]:
        """All conversations of a person, the oldest first."""
        own = select(ChatSessionRow).where(*person_conditions(ChatSessionRow, person, source, source_id))
        return tuple(_stored(row) for row in await self._session.scalars(own.order_by(ChatSessionRow.created_at)))

    async def release_owner(self, owner: str, person: str) -> None:
        """Ends the running conversations of ``owner``, clears the owner of all, and renames the person ``owner`` in
        them to ``person``."""
        own = update(ChatSessionRow).where(ChatSessionRow.owner == owner)
        renamed = case((ChatSessionRow.person == owner, person), else_=ChatSessionRow.person)
        ended = func.coalesce(ChatSessionRow.ended_at, now(), type_=ChatSessionRow.ended_at.type)
        await self._session.execute(without_session_sync(own.values(owner="", person=renamed, ended_at=ended)))

    async def _row(self, session_id: str) -> ChatSessionRow | None:
        return await self._session.get(ChatSessionRow, session_id, populate_existing=True)

    async def _insert(self, source: TurnSource, person: str, owner: str, **values: object) -> StoredSession:
        row = ChatSessionRow(
            id=f"chat_{uuid4().hex}",
            source=source.kind.value,
            source_id=source.instance_id,
            person=person,
            owner=owner,
            **values,
        )
        self._session.add(row)
        await self._session.flush()
        return _stored(row)


def person_conditions(
    row: type[ChatSessionRow] | type[RecordingRow] | type[ConsentRow],
    person: str,
    source: str | None,
    source_id: str | None,
) -> list[ColumnElement[bool]]:
    """Conditions that select the rows of a person. In a Telegram group the person is ``<group>:<user id>``."""
    in_group = (row.source == SourceKind.TELEGRAM.value) & row.person.endswith(f":{person}", autoescape=True)
    conditions = [or_(row.person == person, in_group)]
    if source is not None:
        conditions.append(row.source == source)
    if source_id is not None:
        conditions.append(row.source_id == source_id)
    return conditions


def without_session_sync(statement: BulkT) -> BulkT:
    """Disables synchronization with the session, for statements on rows that it does not hold."""
    return statement.execution_options(synchronize_session=False)


def _running_at(source: TurnSource) -> tuple[ColumnElement[bool], ...]:
    return (
        ChatSessionRow.source == source.kind.value,
        ChatSessionRow.source_id == source.instance_id,
        ChatSessionRow.ended_at.is_(None),
    )


def _of_person(source: TurnSource, person: str) -> tuple[ColumnElement[bool], ...]:
    return (
        ChatSessionRow.source == source.kind.value,
        ChatSessionRow.source_id == source.instance_id,
        ChatSessionRow.person == person,
    )


def _title_columns(title: str) -> dict[str, JsonValue]:
    """The columns of a title. The comparison key is cut: folding can make a text 18 times longer."""
    storable = replace_unstorable_characters(title)
    return {"title": storable, "title_key": comparison_key(storable)[:_MAX_TITLE_KEY]}


def _override_columns(overrides: Overrides) -> dict[str, JsonValue]:
    params = {name: getattr(overrides.options, name) for name in _PARAMS}
    return {
        "system_prompt": overrides.system_prompt,
        "persona_id": overrides.persona_id or "",
        "route": str(overrides.route or ""),
        "voice_id": overrides.voice_id or "",
        "params": {name: value for name, value in params.items() if value is not None},
    }


def _stored(row: ChatSessionRow) -> StoredSession:
    params = cast(dict[str, float], row.params or {})
    options = GenerationOptions(**{name: params[name] for name in _PARAMS if name in params})  # type: ignore[arg-type]
    return StoredSession(
        id=row.id,
        source=TurnSource(SourceKind(row.source), row.source_id),
        person=row.person,
        display_name=row.display_name,
        title=row.title,
        owner=row.owner,
        overrides=Overrides(
            row.system_prompt, row.persona_id or None, Route.parse(row.route), options, row.voice_id or None
        ),
        mode=row.mode,
        leaf_id=row.leaf_id,
        message_count=row.message_count,
        last_message=row.last_message,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
