"""Messages of conversations: a tree, of which one branch is selected.

Every change of messages updates the conversation's ``message_count``, ``leaf_id`` and ``last_message`` in the same
transaction. The selected branch always leaves at a message without children.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, Select, delete, exists, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from deployments.contracts.chat import ChatMessage, MessageRole
from deployments.contracts.exchange import Exchange
from deployments.contracts.sessions import ConversationBranch, StoredMessage
from deployments.contracts.storable_text import replace_unstorable_characters
from storage.batches import batches
from storage.bulk_insert import allocate_ids, insert_rows
from storage.models import ChatMessageRow, ChatSessionRow
from storage.models.base import now
from storage.repositories.sessions import without_session_sync

_PREVIEW_CHARACTERS = 100
_RECENT_MESSAGES = 100
_NO_LIMIT = 1_000_000


class _NewMessage(NamedTuple):
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
    *(getattr(ChatMessageRow, name) for name in _NewMessage._fields),
)


class MessageRepository:
    """Stores messages."""

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
        """Adds a message after ``parent_id`` and selects its branch. Raises KeyError when there is no conversation."""
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
        _select_leaf(owner, row)
        owner.updated_at = now()
        await self._session.flush()
        return _stored(row)

    async def append(self, session_id: str, exchanges: Sequence[Exchange]) -> None:
        """Appends the questions and the finished answers of exchanges to the selected branch, as ``contracts.sessions``
        describes. Turns that have stored messages are skipped. Raises KeyError when there is no conversation."""
        owner = await self._locked(session_id)
        known = await self._recent_turns(session_id)
        messages = [
            message
            for exchange in {one.turn_id: one for one in exchanges}.values()
            if exchange.turn_id not in known
            for message in _messages_of(exchange)
        ]
        if not messages:
            return
        ids = await allocate_ids(self._session, ChatMessageRow.id, len(messages))
        positions = zip(ids, (owner.leaf_id, *ids), messages, strict=False)
        rows = ((id_, parent_id, session_id, False, *message) for id_, parent_id, message in positions)
        await insert_rows(self._session, _APPENDED, rows)
        owner.leaf_id, owner.last_message = ids[-1], _preview(messages[-1].content)
        owner.message_count += len(ids)
        owner.updated_at = now()
        await self._session.flush()

    async def get(self, session_id: str, message_id: int) -> StoredMessage | None:
        """The message, or None when this conversation has none with this id."""
        row = await self._session.get(ChatMessageRow, message_id, populate_existing=True)
        return _stored(row) if row is not None and row.session_id == session_id else None

    async def branch(self, leaf_id: int | None, limit: int = _NO_LIMIT) -> tuple[StoredMessage, ...]:
        """The last ``limit`` messages of the branch that leaves with ``leaf_id``, the oldest first."""
        if leaf_id is None:
            return ()
        rows = await self._session.scalars(_branch(leaf_id, limit))
        return tuple(_stored(row) for row in rows)

    async def newest(self, session_id: str, limit: int) -> tuple[ChatMessage, ...]:
        """The last ``limit`` messages of the selected branch, the oldest first."""
        leaf = await self._session.scalar(select(ChatSessionRow.leaf_id).where(ChatSessionRow.id == session_id))
        return tuple(ChatMessage(message.role, message.content) for message in await self.branch(leaf, limit))

    async def all_of_session(self, session_id: str) -> tuple[StoredMessage, ...]:
        """The messages of all branches, the oldest first."""
        rows = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id).order_by(ChatMessageRow.id)
        return tuple(_stored(row) for row in await self._session.scalars(rows))

    async def child_ids(self, session_id: str, parent_id: int | None) -> tuple[int, ...]:
        """Ids of the messages directly after ``parent_id``, the oldest first. They are versions of each other."""
        after = select(ChatMessageRow.id).where(
            ChatMessageRow.session_id == session_id,
            ChatMessageRow.parent_id.is_(None) if parent_id is None else ChatMessageRow.parent_id == parent_id,
        )
        return tuple(await self._session.scalars(after.order_by(ChatMessageRow.id)))

    async def branches(self, session_id: str, limit: int) -> tuple[ConversationBranch, ...]:
        """The branches of the conversation, the newest first."""
        leaf = await self._session.scalar(select(ChatSessionRow.leaf_id).where(ChatSessionRow.id == session_id))
        leaves = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id, _has_no_children())
        rows = await self._session.scalars(leaves.order_by(ChatMessageRow.id.desc()).limit(limit))
        return tuple(ConversationBranch(row.id, _preview(row.content), row.created_at, row.id == leaf) for row in rows)

    async def select_branch(self, session_id: str, message_id: int | None) -> int | None:
        """Selects the newest branch through ``message_id``, or the newest of all, and returns its last message's id."""
        owner = await self._locked(session_id)
        within = await self._subtree(message_id) if message_id is not None else None
        leaves = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id, _has_no_children())
        if within is None:
            row = await self._session.scalar(leaves.order_by(ChatMessageRow.id.desc()).limit(1))
        else:
            found = [await self._newest_of(leaves, batch) for batch in batches(within)]
            row = max((leaf for leaf in found if leaf is not None), key=lambda leaf: leaf.id, default=None)
        _select_leaf(owner, row)
        await self._session.flush()
        return owner.leaf_id

    async def turn_ids(self, message_id: int) -> tuple[str, ...]:
        """The turns of a message and its descendants."""
        found: set[str] = set()
        for batch in batches(await self._subtree(message_id)):
            found.update(
                await self._session.scalars(select(ChatMessageRow.turn_id).where(ChatMessageRow.id.in_(batch)))
            )
        return tuple(sorted(found))

    async def remove(self, session_id: str, message_id: int) -> int:
        """Deletes a message and its descendants, and returns their number. When that shortens the selected branch, the
        newest branch through the parent is selected."""
        message = await self.get(session_id, message_id)
        if message is None:
            return 0
        removed = await self._subtree(message_id)
        await self._delete(removed)
        owner = await self._subtract_from_count(session_id, len(removed))
        if owner.leaf_id in removed:
            await self.select_branch(session_id, message.parent_id)
        return len(removed)

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Deletes at most ``limit`` messages older than ``moment``, the oldest first. Their children become the first
        messages of their conversations."""
        oldest = select(ChatMessageRow.id, ChatMessageRow.session_id, ChatMessageRow.created_at)
        rows = (await self._session.execute(oldest.order_by(ChatMessageRow.id).limit(limit))).all()
        removed = [(row.id, row.session_id) for row in rows if row.created_at < moment]
        await self._delete([message_id for message_id, _ in removed])
        by_session: dict[str, int] = {}
        for _, session_id in removed:
            by_session[session_id] = by_session.get(session_id, 0) + 1
        for session_id, count in by_session.items():
            owner = await self._subtract_from_count(session_id, count)
            if owner.leaf_id is not None and await self._session.get(ChatMessageRow, owner.leaf_id) is None:
                await self.select_branch(session_id, None)
        return len(removed)

    async def _locked(self, session_id: str) -> ChatSessionRow:
        row = await self._session.get(ChatSessionRow, session_id, populate_existing=True, with_for_update=True)
        if row is None:
            raise KeyError(session_id)
        return row

    async def _recent_turns(self, session_id: str) -> set[str]:
        """The turns of the newest messages of the conversation."""
        recent = select(ChatMessageRow.turn_id).where(ChatMessageRow.session_id == session_id)
        return set(await self._session.scalars(recent.order_by(ChatMessageRow.id.desc()).limit(_RECENT_MESSAGES)))

    async def _subtree(self, message_id: int) -> list[int]:
        """Ids of the message and its descendants."""
        tree = select(ChatMessageRow.id).where(ChatMessageRow.id == message_id).cte("tree", recursive=True)
        tree = tree.union_all(select(ChatMessageRow.id).join(tree, ChatMessageRow.parent_id == tree.c.id))
        return list(await self._session.scalars(select(tree.c.id)))

    async def _delete(self, message_ids: Sequence[int]) -> None:
        """Deletes these messages only. Parents are cleared first: see ``SessionRepository.remove``."""
        for batch in batches(message_ids):
            orphaned = update(ChatMessageRow).where(ChatMessageRow.parent_id.in_(batch)).values(parent_id=None)
            await self._session.execute(without_session_sync(orphaned))
        for batch in batches(message_ids):
            own = delete(ChatMessageRow).where(ChatMessageRow.id.in_(batch))
            await self._session.execute(without_session_sync(own))
        for row in tuple(self._session.identity_map.values()):
            if isinstance(row, ChatMessageRow):
                self._session.expire(row)

    async def _subtract_from_count(self, session_id: str, removed: int) -> ChatSessionRow:
        owner = await self._locked(session_id)
        owner.message_count -= removed
        await self._session.flush()
        return owner

    async def _newest_of(self, leaves: Select[ChatMessageRow], among: Sequence[int]) -> ChatMessageRow | None:
        found = leaves.where(ChatMessageRow.id.in_(among)).order_by(ChatMessageRow.id.desc()).limit(1)
        row: ChatMessageRow | None = await self._session.scalar(found)
        return row


def _messages_of(exchange: Exchange) -> Iterator[_NewMessage]:
    if exchange.question:
        yield _NewMessage(exchange.turn_id, exchange.created_at, "user", exchange.question, "")
    if exchange.answer and exchange.finished:
        yield _NewMessage(exchange.turn_id, exchange.created_at, "assistant", exchange.answer, exchange.route)


def _branch(leaf_id: int, limit: int) -> Select[ChatMessageRow]:
    """Walks from the leaf upwards, so the cost depends on ``limit``, not on the length of the conversation."""
    first = select(ChatMessageRow.id, ChatMessageRow.parent_id, literal(1).label("depth"))
    ancestors = first.where(ChatMessageRow.id == leaf_id).cte("ancestors", recursive=True)
    above = select(ChatMessageRow.id, ChatMessageRow.parent_id, ancestors.c.depth + 1)
    ancestors = ancestors.union_all(
        above.join(ancestors, ChatMessageRow.id == ancestors.c.parent_id).where(ancestors.c.depth < limit)
    )
    return (
        select(ChatMessageRow).join(ancestors, ChatMessageRow.id == ancestors.c.id).order_by(ancestors.c.depth.desc())
    )


def _has_no_children() -> ColumnElement[bool]:
    later = aliased(ChatMessageRow)
    return ~exists(select(literal(1)).where(later.parent_id == ChatMessageRow.id))


def _select_leaf(owner: ChatSessionRow, leaf: ChatMessageRow | None) -> None:
    owner.leaf_id = leaf.id if leaf is not None else None
    owner.last_message = _preview(leaf.content) if leaf is not None else ""


def _preview(content: str) -> str:
    return " ".join(content[: _PREVIEW_CHARACTERS * 4].split())[:_PREVIEW_CHARACTERS]


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
        turn_id=row.turn_id,
    )
