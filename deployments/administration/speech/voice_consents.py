"""Consents to cloned voices: recorded, renamed, revoked. What a person said is kept as evidence."""

import asyncio
import re
import secrets
from pathlib import Path

from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.text_bounds import require_text
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.voice_files import write_wav
from deployments.administration.speech.voice_samples import SampleReader
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.storable_text import replace_unstorable_characters
from deployments.contracts.voice_library import NewVoiceConsent, StoredVoiceConsent
from storage.database import Database
from storage.driver_errors import translate_errors
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

MAX_CONSENTS, MAX_CONSENTS_OF_KEY = 500, 50
_MAX_NAME_LENGTH, _MAX_WORDING_LENGTH = 200, 2_000
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
_FOLDER = Path("recordings") / "voice-consents"
_WORDINGS = {
    "ru": "Это мой голос. Я согласен, чтобы этот секретарь говорил синтезированной копией моего голоса.",
    "en": "This is my voice. I agree that this secretary speaks with a synthetic copy of my voice.",
}


class VoiceConsents:
    """``owner`` None is the panel, which sees every consent; an API key sees those that it recorded."""

    def __init__(self, database: Database, writer: SnapshotWriter, data: Path, reader: SampleReader) -> None:
        self._database = database
        self._writer = writer
        self._data = data
        self._reader = reader

    async def add(self, consent: NewVoiceConsent, by: str, owner: str | None = None) -> StoredVoiceConsent:
        """Records a consent, given now. Raises InvalidRequest, Conflict at the maximum number, and what
        ``SampleReader.read_consent`` raises."""
        _require_language(consent.language)
        person, wording = _text(consent.person, "name"), consent.wording.strip() or wording_of(consent.language)
        require_text(wording, _MAX_WORDING_LENGTH, "wording")
        await self._require_room(owner)
        sample = await self._reader.read_consent(consent.recording)
        consent_id = f"cons_{secrets.token_hex(8)}"
        path = _FOLDER / f"{consent_id}.wav"
        draft = StoredVoiceConsent(
            id=consent_id,
            person=person,
            language=consent.language,
            wording=replace_unstorable_characters(wording),
            recorded_by=by,
            recording=str(path),
            seconds=sample.measures.seconds,
            pitch_hz=sample.measures.pitch_hz,
            owner=owner or "",
        )

        async def edit(work: UnitOfWork, _: int) -> tuple[StoredVoiceConsent, AuditEvent]:
            return await work.voice_consents.add(draft), AuditEvent(by, "create", "voice_consent", consent_id)

        with translate_errors():
            await asyncio.to_thread(write_wav, self._data / path, sample.pcm)
        try:
            return await self._writer.change(SnapshotField.VOICE_CONSENTS, edit)
        except BaseException:
            (self._data / path).unlink(missing_ok=True)
            raise

    async def list(self, owner: str | None = None) -> tuple[StoredVoiceConsent, ...]:
        """The newest first, also those that are revoked."""
        async with self._database.unit_of_work() as work:
            return await work.voice_consents.all(owner)

    async def get(self, consent_id: str, owner: str | None = None) -> StoredVoiceConsent:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await require_consent(work, consent_id, owner)

    async def recording(self, consent_id: str, by: str) -> Path:
        """The WAV file of what was read; who listened is in the audit log. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            consent = await require_consent(work, consent_id)
            path = self._data / consent.recording
            if not consent.recording or not path.is_file():
                raise NotFound("the recording of this consent is not stored here")
            await work.audit.add(AuditEvent(by, "listen", "voice_consent", consent_id))
            return path

    async def rename(self, consent_id: str, person: str, by: str, owner: str | None = None) -> StoredVoiceConsent:
        """Corrects the name of the person. Raises NotFound, InvalidRequest."""
        name = _text(person, "name")
        async with self._database.unit_of_work() as work:
            await require_consent(work, consent_id, owner)
            await work.audit.add(AuditEvent(by, "update", "voice_consent", consent_id))
            return await work.voice_consents.rename(consent_id, name)

    async def revoke(self, consent_id: str, by: str, owner: str | None = None) -> StoredVoiceConsent:
        """Revokes a consent for good: its voices stop at their next sentence. Raises NotFound."""

        async def edit(work: UnitOfWork, _: int) -> tuple[StoredVoiceConsent, AuditEvent]:
            await require_consent(work, consent_id, owner)
            revoked = await work.voice_consents.revoke(consent_id, by)
            return revoked, AuditEvent(by, "revoke", "voice_consent", consent_id)

        return await self._writer.change(SnapshotField.VOICE_CONSENTS, edit)

    async def _require_room(self, owner: str | None) -> None:
        async with self._database.unit_of_work() as work:
            if len(await work.voice_consents.all()) >= MAX_CONSENTS:
                raise Conflict(f"there are {MAX_CONSENTS} consents already; erase some first")
            if owner and len(await work.voice_consents.all(owner)) >= MAX_CONSENTS_OF_KEY:
                raise Conflict(f"this key has recorded {MAX_CONSENTS_OF_KEY} consents already")


def wording_of(language: str) -> str:
    """The text that a person reads in ``language``. Raises InvalidRequest for a language without a usual text."""
    _require_language(language)
    found = _WORDINGS.get(language.partition("-")[0].lower())
    if found is None:
        raise InvalidRequest(
            f"there is no usual wording in {language!r}: send the text that was read as wording", param="wording"
        )
    return found


def _require_language(language: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise InvalidRequest("language is a BCP 47 tag such as ru or en-US", param="language")


async def require_consent(work: UnitOfWork, consent_id: str, owner: str | None = None) -> StoredVoiceConsent:
    """Raises NotFound."""
    found = await work.voice_consents.get(consent_id[:50], owner)
    if found is None:
        raise NotFound("there is no such voice consent")
    return found


def _text(text: str, param: str) -> str:
    require_text(text, _MAX_NAME_LENGTH, param)
    cleaned = " ".join(replace_unstorable_characters(text).split())
    if not cleaned:
        raise InvalidRequest(f"{param} is empty", param=param)
    return cleaned
