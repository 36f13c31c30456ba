"""Stored conversations: list, read, change and delete them and their branches, with the rights of the caller."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from deployments.administration.chat.running_turns import RunningTurns
from deployments.administration.office.text_bounds import MAX_SEARCH_LENGTH, require_page, require_text
from deployments.administration.privacy.file_remover import FileRemover
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Identity, Role
from deployments.contracts.sessions import ConversationBranch, StoredMessage, StoredSession
from storage.database import Database
from storage.repositories.answered_by import AnsweredBy
from storage.repositories.audit import AuditEvent
from storage.repositories.session_filter import SessionFilter
from storage.unit_of_work import UnitOfWork

__all__ = [
    "AnsweredBy",
    "ChatSessions",
    "ChatThread",
    "SessionFilter",
    "chat_audit_event",
    "get_unchanged_session",
    "get_visible_session",
]

_MOST_BRANCHES = 500
_MOST_REMOVED = 500
_MAX_TITLE_LENGTH = 255
_MAX_PROMPT_LENGTH = 50_000
_MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class ChatThread:
    """A conversation with the messages of its current branch, oldest first. ``versions`` maps the id of a message that
    has siblings to the ids of all of them, oldest first."""

    session: StoredSession
    messages: tuple[StoredMessage, ...]
    versions: dict[int, tuple[int, ...]]


class ChatSessions:
    """A viewer sees and changes only their own conversations; other conversations raise NotFound."""

    def __init__(self, database: Database, running_turns: RunningTurns, file_remover: FileRemover) -> None:
        self._database = database
        self._running = running_turns
        self._files = file_remover

    async def page(
        self, caller: Identity, filters: SessionFilter, limit: int, offset: int
    ) -> tuple[tuple[StoredSession, ...], int]:
        """One page, the most recently used first, and the total count."""
        if not _sees_all(caller):
            if filters.owner not in (None, caller.username):
                return (), 0
            filters = replace(filters, owner=caller.username)
        require_page(limit, offset)
        require_text(filters.title, MAX_SEARCH_LENGTH, "search")
        require_text(filters.text, MAX_SEARCH_LENGTH, "text")
        async with self._database.unit_of_work() as work:
            return await work.sessions.page(filters, limit, offset)

    async def create(self, caller: Identity, source: TurnSource, title: str, overrides: Overrides) -> StoredSession:
        """Creates a conversation that the caller owns. Raises InvalidRequest for an unknown persona, Forbidden when a
        viewer names a source other than the panel."""
        if source.kind is not SourceKind.ADMIN and not _sees_all(caller):
            raise Forbidden("A viewer can only create conversations in the panel.")
        _require_bounds(title, overrides)
        require_text(source.instance_id, _MAX_NAME_LENGTH, "source_id")
        async with self._database.unit_of_work() as work:
            await _require_persona(work, overrides)
            created = await work.sessions.create(source, caller.username, " ".join(title.split()), overrides)
            await work.audit.add(chat_audit_event(caller, "create", created.id))
            return created

    async def get(self, caller: Identity, session_id: str) -> StoredSession:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await get_visible_session(work, caller, session_id)

    async def thread(self, caller: Identity, session_id: str, limit: int | None = None) -> ChatThread:
        """The conversation with its current branch, or the last ``limit`` messages of it. Raises NotFound."""
        if limit is not None:
            require_page(limit, 0)
        async with self._database.unit_of_work() as work:
            session = await get_visible_session(work, caller, session_id)
            messages = await work.messages.branch(session.leaf_id, *(() if limit is None else (limit,)))
            versions: dict[int, tuple[int, ...]] = {}
            if len(messages) < session.message_count:
                for message in messages:
                    siblings = await work.messages.child_ids(session_id, message.parent_id)
                    if len(siblings) > 1:
                        versions[message.id] = siblings
            return ChatThread(session, messages, versions)

    async def turns(self, caller: Identity, session_id: str) -> dict[str, Exchange]:
        """What answered the turns of all branches, and when: exchanges by turn id. Exchanges are kept for a limited
        time, so that old turns have none. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
            return {exchange.turn_id: exchange for exchange in await work.exchanges.of_sessions((session_id,))}

    async def change(
        self,
        caller: Identity,
        session_id: str,
        expected_version: int,
        *,
        title: str | None,
        edit: Callable[[Overrides], Overrides],
    ) -> StoredSession:
        """Sets the title, unless None, and the overrides that ``edit`` returns. Raises NotFound; Conflict when the
        version is not ``expected_version``; InvalidRequest for an unknown persona."""
        async with self._database.unit_of_work() as work:
            session = await get_unchanged_session(work, caller, session_id, expected_version)
            overrides = edit(session.overrides)
            _require_bounds(title or "", overrides)
            await _require_persona(work, overrides)
            name = session.title if title is None else " ".join(title.split())
            changed = await work.sessions.change(session_id, name, overrides)
            await work.audit.add(chat_audit_event(caller, "update", session_id))
            return changed

    async def remove(self, caller: Identity, session_ids: tuple[str, ...]) -> int:
        """Deletes those of the conversations that the caller may see, with messages, recordings, files and the texts
        of their exchanges. Returns how many."""
        if len(session_ids) > _MOST_REMOVED:
            raise InvalidRequest(f"at most {_MOST_REMOVED} conversations at once", param="session_ids")
        async with self._database.unit_of_work() as work:
            visible = await _visible_ids(work, caller, session_ids)
        await self._running.stop(visible)
        async with self._database.unit_of_work() as work:
            await delete_sessions(work, visible)
            for session_id in visible:
                await work.audit.add(chat_audit_event(caller, "delete", session_id))
        await self._files.delete_listed_files()
        await self._database.truncate_wal()
        return len(visible)

    async def branches(self, caller: Identity, session_id: str) -> tuple[ConversationBranch, ...]:
        """The branches of the conversation, newest first, at most 500."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
            return await work.messages.branches(session_id, _MOST_BRANCHES)

    async def switch_branch(self, caller: Identity, session_id: str, message_id: int) -> ChatThread:
        """Makes the newest branch through a message the current one. Raises NotFound; Conflict while a turn runs."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
            self._running.require_idle(session_id)
            await _require_message(work, session_id, message_id)
            await work.messages.select_branch(session_id, message_id)
        return await self.thread(caller, session_id)

    async def remove_message(self, caller: Identity, session_id: str, message_id: int) -> int:
        """Deletes a message, everything after it and the texts of these exchanges. Returns how many messages. Raises
        NotFound; Conflict while a turn runs."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
            self._running.require_idle(session_id)
            await _require_message(work, session_id, message_id)
            await work.exchanges.redact_turns(await work.messages.turn_ids(message_id))
            deleted = await work.messages.remove(session_id, message_id)
            await work.audit.add(chat_audit_event(caller, "delete_messages", session_id, f"{deleted} messages"))
        await self._database.truncate_wal()
        return deleted


async def get_visible_session(work: UnitOfWork, caller: Identity, session_id: str) -> StoredSession:
    """The conversation, if the caller may see it. Raises NotFound."""
    session = await work.sessions.get(session_id)
    if session is None or not (_sees_all(caller) or session.owner == caller.username):
        raise NotFound("there is no such conversation")
    return session


async def get_unchanged_session(work: UnitOfWork, caller: Identity, session_id: str, version: int) -> StoredSession:
    """The conversation, if the caller may see it and it has this version. Raises NotFound, Conflict."""
    session = await get_visible_session(work, caller, session_id)
    if session.version != version:
        raise Conflict("the conversation was changed meanwhile; read it again")
    return session


async def delete_sessions(work: UnitOfWork, session_ids: tuple[str, ...]) -> int:
    """Deletes conversations with everything that belongs to them and returns how many. Files are queued for
    deletion."""
    count = 0
    for start in range(0, len(session_ids), 500):
        batch = session_ids[start : start + 500]
        await work.recordings.remove_of_sessions(batch)
        await work.exchanges.redact_sessions(batch)
        count += await work.sessions.remove(batch)
    return count


async def detach_user_sessions(work: UnitOfWork, username: str) -> str:
    """Removes the owner of a deleted user's conversations, so that a later user of that name does not see them.
    Administrators and operators still do. Returns the name under which the person is kept, for example
    ``anna (former 1f0c9a52)``: no user can have it, and the random suffix keeps former users of one name apart."""
    former = f"{username} (former {secrets.token_hex(4)})"
    await work.sessions.release_owner(username, former)
    for repository in (work.recordings, work.consents):
        await repository.rename_person(SourceKind.ADMIN.value, username, former)
    return former


def _require_bounds(title: str, overrides: Overrides) -> None:
    require_text(title, _MAX_TITLE_LENGTH, "title")
    require_text(overrides.system_prompt or "", _MAX_PROMPT_LENGTH, "system_prompt")
    require_text(overrides.persona_id or "", _MAX_NAME_LENGTH, "persona_id")
    require_text(overrides.voice_id or "", _MAX_NAME_LENGTH, "voice_id")


async def _visible_ids(work: UnitOfWork, caller: Identity, session_ids: tuple[str, ...]) -> tuple[str, ...]:
    found = [await work.sessions.get(session_id) for session_id in dict.fromkeys(session_ids)]
    return tuple(one.id for one in found if one and (_sees_all(caller) or one.owner == caller.username))


async def _require_message(work: UnitOfWork, session_id: str, message_id: int) -> StoredMessage:
    message = await work.messages.get(session_id, message_id)
    if message is None:
        raise NotFound("there is no such message in this conversation")
    return message


async def _require_persona(work: UnitOfWork, overrides: Overrides) -> None:
    persona_id = overrides.persona_id
    if persona_id is not None and await work.personas.get(persona_id) is None:
        raise InvalidRequest(f"there is no persona {persona_id!r}", param="persona_id")


def _sees_all(caller: Identity) -> bool:
    return caller.role.covers(Role.OPERATOR)


def chat_audit_event(caller: Identity, action: str, session_id: str, detail: str = "") -> AuditEvent:
    """The audit event of a change."""
    return AuditEvent(caller.username, action, "chat", session_id, caller.address, detail)
