"""Messages of stored conversations: a tree, of which one branch is in view.

Whatever adds or deletes messages keeps their count, the newest message of the branch in view and its beginning in the
conversation's row, in the same transaction. The branch in view always ends where nothing follows.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, Select, delete, exists, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from deployments.contracts.chat import ChatMessage, MessageRole
from deployments.contracts.sessions import ConversationBranch, StoredMessage
from deployments.contracts.settings import Exchange
from deployments.contracts.storable_text import replace_unstorable_characters
from storage.batches import batches
from storage.bulk_insert import allocate_ids, insert_rows
from storage.models import ChatMessageRow, ChatSessionRow
from storage.models.base import now
from storage.repositories.sessions import without_session_sync

_BEGINNING = 100
_RECENT = 100
_NO_LIMIT = 1_000_000


class _Said(NamedTuple):
    turn_id: str
    created_at: datetime
    role: MessageRole
    content: str
    route: str


_APPENDED = (
    ChatMessageRow.id,
    ChatMessageRow.parent_id,
    ChatMessageRow.session_id,
    ChatMessageRow.edited,
    *(getattr(ChatMessageRow, name) for name in _Said._fields),
)


class MessageRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self,
        session_id: str,
        role: MessageRole,
        content: str,
        *,
        parent_id: int | None,
        turn_id: str,
        route: str = "",
        edited: bool = False,
        at: datetime | None = None,
    ) -> StoredMessage:
        """Adds a message after ``parent_id`` and brings it into view. KeyError when the conversation is gone."""
        owner = await self._locked(session_id)
        row = ChatMessageRow(
            session_id=session_id,
            parent_id=parent_id,
            turn_id=turn_id,
            role=role,
            content=replace_unstorable_characters(content),
            route=route,
            edited=edited,
            created_at=at or now(),
        )
        self._session.add(row)
        await self._session.flush()
        owner.message_count += 1
        _show(owner, row)
        owner.updated_at = now()
        await self._session.flush()
        return _stored(row)

    async def append(self, session_id: str, exchanges: Sequence[Exchange]) -> None:
        """Adds what was asked and, unless it is empty or broke off, what was answered, to the branch in view, one
        exchange after the other; the rule is in ``contracts.sessions``. A turn of which anything is stored already is
        left as it is: whoever stored that stores the rest. KeyError when the conversation is gone."""
        owner = await self._locked(session_id)
        known = await self._recent_turns(session_id)
        said = [
            message
            for exchange in {one.turn_id: one for one in exchanges}.values()
            if exchange.turn_id not in known
            for message in _messages_of(exchange)
        ]
        if not said:
            return
        ids = await allocate_ids(self._session, ChatMessageRow.id, len(said))
        places = zip(ids, (owner.leaf_id, *ids), said, strict=False)
        rows = ((id_, parent_id, session_id, False, *message) for id_, parent_id, message in places)
        await insert_rows(self._session, _APPENDED, rows)
        owner.leaf_id, owner.last_message = ids[-1], _beginning(said[-1].content)
        owner.message_count += len(ids)
        owner.updated_at = now()
        await self._session.flush()

    async def get(self, session_id: str, message_id: int) -> StoredMessage | None:
        """The message, if it belongs to this conversation."""
        row = await self._session.get(ChatMessageRow, message_id, populate_existing=True)
        return _stored(row) if row is not None and row.session_id == session_id else None

    async def branch(self, leaf_id: int | None, limit: int = _NO_LIMIT) -> tuple[StoredMessage, ...]:
        """The branch that ends with ``leaf_id``: its last ``limit`` messages, oldest first."""
        if leaf_id is None:
            return ()
        rows = await self._session.scalars(_branch(leaf_id, limit))
        return tuple(_stored(row) for row in rows)

    async def newest(self, session_id: str, limit: int) -> tuple[ChatMessage, ...]:
        """The last ``limit`` messages of the branch in view, oldest first."""
        leaf = await self._session.scalar(select(ChatSessionRow.leaf_id).where(ChatSessionRow.id == session_id))
        return tuple(ChatMessage(message.role, message.content) for message in await self.branch(leaf, limit))

    async def all_of_session(self, session_id: str) -> tuple[StoredMessage, ...]:
        """All messages of all branches, oldest first."""
        rows = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id).order_by(ChatMessageRow.id)
        return tuple(_stored(row) for row in await self._session.scalars(rows))

    async def child_ids(self, session_id: str, parent_id: int | None) -> tuple[int, ...]:
        """Ids of the messages right after ``parent_id``, which are versions of each other; oldest first."""
        after = select(ChatMessageRow.id).where(
            ChatMessageRow.session_id == session_id,
            ChatMessageRow.parent_id.is_(None) if parent_id is None else ChatMessageRow.parent_id == parent_id,
        )
        return tuple(await self._session.scalars(after.order_by(ChatMessageRow.id)))

    async def branches(self, session_id: str, limit: int) -> tuple[ConversationBranch, ...]:
        """Every way through the conversation, the newest first."""
        leaf = await self._session.scalar(select(ChatSessionRow.leaf_id).where(ChatSessionRow.id == session_id))
        ends = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id, _nothing_follows())
        rows = await self._session.scalars(ends.order_by(ChatMessageRow.id.desc()).limit(limit))
        return tuple(
            ConversationBranch(row.id, _beginning(row.content), row.created_at, row.id == leaf) for row in rows
        )

    async def select_branch(self, session_id: str, message_id: int | None) -> int | None:
        """Brings the newest branch through ``message_id`` (None: of all) into view; the message it ends with."""
        owner = await self._locked(session_id)
        within = await self._subtree(message_id) if message_id is not None else None
        ends = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id, _nothing_follows())
        if within is None:
            row = await self._session.scalar(ends.order_by(ChatMessageRow.id.desc()).limit(1))
        else:
            found = [await self._last(ends, part) for part in batches(within)]
            row = max((one for one in found if one is not None), key=lambda one: one.id, default=None)
        _show(owner, row)
        await self._session.flush()
        return owner.leaf_id

    async def turn_ids(self, message_id: int) -> tuple[str, ...]:
        """The turns of a message and of everything after it."""
        found: set[str] = set()
        for part in batches(await self._subtree(message_id)):
            found.update(await self._session.scalars(select(ChatMessageRow.turn_id).where(ChatMessageRow.id.in_(part))))
        return tuple(sorted(found))

    async def remove(self, session_id: str, message_id: int) -> int:
        """Deletes a message and everything after it; how many that were. What then ends the branch, or the newest
        branch beside it, is in view."""
        message = await self.get(session_id, message_id)
        if message is None:
            return 0
        gone = await self._subtree(message_id)
        await self._erase(gone)
        owner = await self._uncount(session_id, len(gone))
        if owner.leaf_id in gone:
            await self.select_branch(session_id, message.parent_id)
        return len(gone)

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Deletes messages that are older than ``moment`` out of conversations that go on; at most ``limit`` at once,
        the oldest first. What followed them begins its conversation."""
        oldest = select(ChatMessageRow.id, ChatMessageRow.session_id, ChatMessageRow.created_at)
        rows = (await self._session.execute(oldest.order_by(ChatMessageRow.id).limit(limit))).all()
        gone = [(row.id, row.session_id) for row in rows if row.created_at < moment]
        await self._erase([message_id for message_id, _ in gone])
        by_session: dict[str, int] = {}
        for _, session_id in gone:
            by_session[session_id] = by_session.get(session_id, 0) + 1
        for session_id, count in by_session.items():
            owner = await self._uncount(session_id, count)
            if owner.leaf_id is not None and await self._session.get(ChatMessageRow, owner.leaf_id) is None:
                await self.select_branch(session_id, None)
        return len(gone)

    async def _locked(self, session_id: str) -> ChatSessionRow:
        row = await self._session.get(ChatSessionRow, session_id, populate_existing=True, with_for_update=True)
        if row is None:
            raise KeyError(session_id)
        return row

    async def _recent_turns(self, session_id: str) -> set[str]:
        """The turns of the newest messages."""
        recent = select(ChatMessageRow.turn_id).where(ChatMessageRow.session_id == session_id)
        return set(await self._session.scalars(recent.order_by(ChatMessageRow.id.desc()).limit(_RECENT)))

    async def _subtree(self, message_id: int) -> list[int]:
        """Ids of the message and of everything after it."""
        tree = select(ChatMessageRow.id).where(ChatMessageRow.id == message_id).cte("tree", recursive=True)
        tree = tree.union_all(select(ChatMessageRow.id).join(tree, ChatMessageRow.parent_id == tree.c.id))
        return list(await self._session.scalars(select(tree.c.id)))

    async def _erase(self, message_ids: Sequence[int]) -> None:
        """Deletes exactly these. They are taken out of the tree first: see ``SessionRepository.remove``."""
        for part in batches(message_ids):
            orphaned = update(ChatMessageRow).where(ChatMessageRow.parent_id.in_(part)).values(parent_id=None)
            await self._session.execute(without_session_sync(orphaned))
        for part in batches(message_ids):
            await self._session.execute(without_session_sync(delete(ChatMessageRow).where(ChatMessageRow.id.in_(part))))
        for row in tuple(self._session.identity_map.values()):
            if isinstance(row, ChatMessageRow):
                self._session.expire(row)

    async def _uncount(self, session_id: str, gone: int) -> ChatSessionRow:
        owner = await self._locked(session_id)
        owner.message_count -= gone
        await self._session.flush()
        return owner

    async def _last(self, ends: Select[ChatMessageRow], among: Sequence[int]) -> ChatMessageRow | None:
        found = ends.where(ChatMessageRow.id.in_(among)).order_by(ChatMessageRow.id.desc()).limit(1)
        row: ChatMessageRow | None = await self._session.scalar(found)
        return row


def _messages_of(exchange: Exchange) -> Iterator[_Said]:
    if exchange.question:
        yield _Said(exchange.turn_id, exchange.created_at, "user", exchange.question, "")
    if exchange.answer and exchange.finished:
        yield _Said(exchange.turn_id, exchange.created_at, "assistant", exchange.answer, exchange.route)


def _branch(leaf_id: int, limit: int) -> Select[ChatMessageRow]:
    """From the leaf upwards: it costs what it gives, however long the conversation is."""
    first = select(ChatMessageRow.id, ChatMessageRow.parent_id, literal(1).label("depth"))
    walk = first.where(ChatMessageRow.id == leaf_id).cte("walk", recursive=True)
    above = select(ChatMessageRow.id, ChatMessageRow.parent_id, walk.c.depth + 1)
    walk = walk.union_all(above.join(walk, ChatMessageRow.id == walk.c.parent_id).where(walk.c.depth < limit))
    return select(ChatMessageRow).join(walk, ChatMessageRow.id == walk.c.id).order_by(walk.c.depth.desc())


def _nothing_follows() -> ColumnElement[bool]:
    later = aliased(ChatMessageRow)
    return ~exists(select(literal(1)).where(later.parent_id == ChatMessageRow.id))


def _show(owner: ChatSessionRow, leaf: ChatMessageRow | None) -> None:
    owner.leaf_id = leaf.id if leaf is not None else None
    owner.last_message = _beginning(leaf.content) if leaf is not None else ""


def _beginning(content: str) -> str:
    return " ".join(content[: _BEGINNING * 4].split())[:_BEGINNING]


def _stored(row: ChatMessageRow) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        session_id=row.session_id,
        parent_id=row.parent_id,
        role=cast(MessageRole, row.role),
        content=row.content,
        created_at=row.created_at,
        route=row.route,
        edited=row.edited,
    )
