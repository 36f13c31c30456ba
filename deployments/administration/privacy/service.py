"""Personal data of one data subject: export, erasure and consents, each with an audit event."""

import re
from dataclasses import dataclass
from typing import get_args

from deployments.administration.chat.running_turns import RunningTurns
from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.office.text_bounds import MAX_SEARCH_LENGTH, require_text
from deployments.administration.privacy.file_remover import FileRemover
from deployments.administration.speech.cloned_voices import ClonedVoices
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.exchange import Exchange
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.identity import Identity
from deployments.contracts.sessions import ApiSessionKind, StoredMessage, StoredSession, api_session_id
from deployments.contracts.voice_library import StoredVoiceConsent
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.consents import StoredConsent
from storage.repositories.people import FoundPerson
from storage.repositories.recordings import StoredRecording
from storage.unit_of_work import UnitOfWork

__all__ = [
    "DataSubject",
    "ErasureCounts",
    "FoundPerson",
    "PersonalData",
    "Privacy",
    "StoredAmounts",
    "StoredConsent",
]

_KEY_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class DataSubject:
    """A person as identified by a source; ``source`` None means every source.

    For ``/v1`` (source api) ``person`` is the ``session_id`` or Open WebUI chat id sent by the caller, and
    ``source_id`` is the id of the API key. For the panel it is the username; a deleted user has the pseudonym of the
    audit log, such as ``<name> (former 1f0c9a52)``. For Telegram it is the account number, in groups too."""

    person: str
    source: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All stored data of a person. Recordings are listed without their audio."""

    conversations: tuple[tuple[StoredSession, tuple[StoredMessage, ...]], ...]
    exchanges: tuple[Exchange, ...]
    recordings: tuple[StoredRecording, ...]
    consents: tuple[StoredConsent, ...]
    voice_consents: tuple[StoredVoiceConsent, ...] = ()


class StoredAmounts(FrozenModel):
    """How much is stored of a person."""

    conversations: int
    messages: int
    exchanges: int
    recordings: int
    recorded_seconds: float
    consents: int
    voice_consents: int

    @property
    def nothing(self) -> bool:
        return not (self.conversations or self.exchanges or self.recordings or self.consents or self.voice_consents)


@dataclass(frozen=True, slots=True)
class ErasureCounts:
    """Numbers of erased items."""

    conversations: int
    exchanges: int
    recordings: int
    consents: int
    voice_consents: int = 0


class Privacy:
    """Exports and erases personal data and manages consents. Audit events contain the person as given by the caller,
    and no conversation content."""

    def __init__(
        self, database: Database, running_turns: RunningTurns, file_remover: FileRemover, voices: ClonedVoices
    ) -> None:
        self._voices = voices
        self._database = database
        self._running_turns = running_turns
        self._file_remover = file_remover

    async def export(self, person: DataSubject, caller: Identity) -> PersonalData:
        """Returns all stored data of a person from all sources. Raises InvalidRequest for an invalid key id."""
        async with self._database.unit_of_work() as work:
            data = await _collect(work, person)
            await work.audit.add(_audit_event(caller, "export", person))
            return data

    async def find(self, text: str, limit: int = 50) -> tuple[FoundPerson, ...]:
        """People whose id, name, phone or Telegram account contains ``text``. Raises InvalidRequest for a long one."""
        require_text(text, MAX_SEARCH_LENGTH, "search")
        if not text.strip():
            return ()
        async with self._database.unit_of_work() as work:
            return await work.people.find(text, limit)

    async def summary(self, person: DataSubject, caller: Identity) -> StoredAmounts:
        """Counts what is stored of a person, and adds an audit event. Raises InvalidRequest for an invalid key id."""
        async with self._database.unit_of_work() as work:
            data = await _collect(work, person)
            await work.audit.add(_audit_event(caller, "view", person))
        return StoredAmounts(
            conversations=len(data.conversations),
            messages=sum(len(messages) for _, messages in data.conversations),
            exchanges=len(data.exchanges),
            recordings=len(data.recordings),
            recorded_seconds=sum(each.seconds for each in data.recordings),
            consents=len(data.consents),
            voice_consents=len(data.voice_consents),
        )

    async def erase(self, person: DataSubject, caller: Identity) -> ErasureCounts:
        """Deletes all data of a person in one transaction, then their consents to cloned voices, which have no source,
        with the voices, then the files and the remains in the database's log. After a crash, retention deletes those
        later. Raises InvalidRequest for an invalid key id."""
        subject = (person.person, person.source, person.source_id)
        async with self._database.unit_of_work() as work:
            sessions = await work.sessions.of_person(*subject)
        await self._running_turns.stop(session.id for session in sessions)
        async with self._database.unit_of_work() as work:
            ids = tuple(session.id for session in await work.sessions.of_person(*subject))
            recordings = await work.recordings.of_person(*subject, ids)
            await work.recordings.remove([recording.id for recording in recordings])
            exchanges = await work.exchanges.redact_sessions((*ids, *await _api_session_ids(work, person)))
            consents = await work.consents.remove_of_person(*subject)
            sessions_count = await delete_sessions(work, ids)
            await work.audit.add(_audit_event(caller, "erase", person))
        voices = await self._voices.erase(person.person, caller.username) if person.source is None else 0
        erased = ErasureCounts(sessions_count, exchanges, len(recordings), consents, voices)
        await self._file_remover.delete_listed_files()
        await self._database.truncate_wal()
        return erased

    async def consents(self, person: str | None, limit: int, offset: int) -> tuple[StoredConsent, ...]:
        """Returns consents of one person or of all, newest first."""
        async with self._database.unit_of_work() as work:
            return await work.consents.page(person, limit, offset)

    async def give_consent(self, consent: StoredConsent, caller: Identity) -> StoredConsent:
        """Records a consent with the current time."""
        async with self._database.unit_of_work() as work:
            stored = await work.consents.add(consent)
            await work.audit.add(AuditEvent(caller.username, "give", "consent", str(stored.id), caller.address))
            return stored

    async def withdraw_consent(self, consent_id: int, caller: Identity) -> StoredConsent:
        """Records the withdrawal of a consent. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            stored = await work.consents.withdraw(consent_id)
            if stored is None:
                raise NotFound("there is no such consent")
            await work.audit.add(AuditEvent(caller.username, "withdraw", "consent", str(consent_id), caller.address))
            return stored


async def _collect(work: UnitOfWork, person: DataSubject) -> PersonalData:
    subject = (person.person, person.source, person.source_id)
    sessions = await work.sessions.of_person(*subject)
    ids = tuple(session.id for session in sessions)
    return PersonalData(
        tuple([(session, await work.messages.all_of_session(session.id)) for session in sessions]),
        await work.exchanges.of_sessions((*ids, *await _api_session_ids(work, person))),
        await work.recordings.of_person(*subject, ids),
        await work.consents.of_person(*subject),
        await work.voice_consents.of_person(person.person) if person.source is None else (),
    )


async def _api_session_ids(work: UnitOfWork, person: DataSubject) -> tuple[str, ...]:
    """Returns the ids of sessions that callers of ``/v1`` named after this person."""
    if person.source not in (None, SourceKind.API.value):
        return ()
    if person.source is None or person.source_id is None:
        keys = await work.keys.ids()
    elif _KEY_ID.fullmatch(person.source_id):
        keys = (int(person.source_id),)
    else:
        raise InvalidRequest("for the source api this is the id of an API key", param="source_id")
    name = person.person.encode()
    return tuple(api_session_id(key, kind, name) for key in keys for kind in get_args(ApiSessionKind))


def _audit_event(caller: Identity, action: str, person: DataSubject) -> AuditEvent:
    where = ":".join(part for part in (person.source, person.source_id) if part)
    return AuditEvent(caller.username, action, "privacy", person.person, caller.address, where)
