"""What is stored of one person: shown, deleted, and what that person agreed to."""

import re
from dataclasses import dataclass
from typing import get_args

from deployments.administration.chat.running_turns import RunningTurns
from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.privacy.file_remover import FileRemover
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.identity import Identity
from deployments.contracts.sessions import ApiSessionKind, StoredMessage, StoredSession, api_session_id
from deployments.contracts.settings import Exchange
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.consents import StoredConsent
from storage.repositories.recordings import StoredRecording
from storage.unit_of_work import UnitOfWork

__all__ = ["DataSubject", "ErasureCounts", "PersonalData", "Privacy", "StoredConsent"]

_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class DataSubject:
    """Somebody as a door knows them: ``person`` at ``source`` (None: at every one). At ``/v1`` (source api) nobody is
    known: there ``person`` is the ``session_id``, or Open WebUI's chat id, that the caller gave, and ``source_id`` the
    number of the caller's key. A user of the panel is known by his
    name, one who was deleted as the audit trail says (``<name> (former 1f0c9a52)``), somebody on Telegram by the number
    of the account, in groups too."""

    person: str
    source: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Everything that is stored of a person. Recordings are named, their sound is not included."""

    conversations: tuple[tuple[StoredSession, tuple[StoredMessage, ...]], ...]
    exchanges: tuple[Exchange, ...]
    recordings: tuple[StoredRecording, ...]
    consents: tuple[StoredConsent, ...]


@dataclass(frozen=True, slots=True)
class ErasureCounts:
    """How much there was."""

    conversations: int
    exchanges: int
    recordings: int
    consents: int


class Privacy:
    """Every action leaves an audit row that names the person as the caller did, and nothing of what was said."""

    def __init__(self, database: Database, running_turns: RunningTurns, file_remover: FileRemover) -> None:
        self._database = database
        self._running = running_turns
        self._files = file_remover

    async def export(self, person: DataSubject, caller: Identity) -> PersonalData:
        """Everything that is stored of the person, over all doors. Raises InvalidRequest for a key without a number."""
        who = (person.person, person.source, person.source_id)
        async with self._database.unit_of_work() as work:
            sessions = await work.sessions.of_person(*who)
            ids = tuple(session.id for session in sessions)
            dossier = PersonalData(
                tuple([(session, await work.messages.all_of_session(session.id)) for session in sessions]),
                await work.exchanges.of_sessions((*ids, *await _named_by_callers(work, person))),
                await work.recordings.of_person(*who, ids),
                await work.consents.of_person(*who),
            )
            await work.audit.add(_event(caller, "export", person))
            return dossier

    async def erase(self, person: DataSubject, caller: Identity) -> ErasureCounts:
        """Deletes it all in one transaction, then the files and what is left in the database's log; what a crash leaves
        of those is deleted later. Raises InvalidRequest for a key without a number."""
        who = (person.person, person.source, person.source_id)
        async with self._database.unit_of_work() as work:
            sessions = await work.sessions.of_person(*who)
        await self._running.stop(session.id for session in sessions)
        async with self._database.unit_of_work() as work:
            ids = tuple(session.id for session in await work.sessions.of_person(*who))
            recordings = await work.recordings.of_person(*who, ids)
            await work.recordings.remove([recording.id for recording in recordings])
            exchanges = await work.exchanges.redact_sessions((*ids, *await _named_by_callers(work, person)))
            consents = await work.consents.remove_of_person(*who)
            erased = ErasureCounts(await delete_sessions(work, ids), exchanges, len(recordings), consents)
            await work.audit.add(_event(caller, "erase", person))
        await self._files.delete_listed_files()
        await self._database.truncate_wal()
        return erased

    async def consents(self, person: str | None, limit: int, offset: int) -> tuple[StoredConsent, ...]:
        """Consents, the newest first; of one person or of all."""
        async with self._database.unit_of_work() as work:
            return await work.consents.page(person, limit, offset)

    async def give_consent(self, consent: StoredConsent, caller: Identity) -> StoredConsent:
        """Notes that a person agreed, now."""
        async with self._database.unit_of_work() as work:
            stored = await work.consents.add(consent)
            await work.audit.add(AuditEvent(caller.username, "give", "consent", str(stored.id), caller.address))
            return stored

    async def withdraw_consent(self, consent_id: int, caller: Identity) -> StoredConsent:
        """Notes that a person no longer agrees. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            stored = await work.consents.withdraw(consent_id)
            if stored is None:
                raise NotFound("there is no such consent")
            await work.audit.add(AuditEvent(caller.username, "withdraw", "consent", str(consent_id), caller.address))
            return stored


async def _named_by_callers(work: UnitOfWork, person: DataSubject) -> tuple[str, ...]:
    """Under which ids exchanges are stored that callers of ``/v1`` gave this name."""
    if person.source not in (None, SourceKind.API.value):
        return ()
    if person.source is None or person.source_id is None:
        keys = await work.keys.ids()
    elif _NUMBER.fullmatch(person.source_id):
        keys = (int(person.source_id),)
    else:
        raise InvalidRequest("for the source api this is the number of an API key", param="source_id")
    name = person.person.encode()
    return tuple(api_session_id(key, kind, name) for key in keys for kind in get_args(ApiSessionKind))


def _event(caller: Identity, action: str, person: DataSubject) -> AuditEvent:
    where = ":".join(part for part in (person.source, person.source_id) if part)
    return AuditEvent(caller.username, action, "privacy", person.person, caller.address, where)
