"""Cloned voices: created from an uploaded sample of a person who has consented, extended, deleted."""

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from deployments.administration.audit.value_changes import value_changes
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.administration.office.slugs import free_slug
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.text_bounds import require_text
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.voice_consents import require_consent
from deployments.administration.speech.voice_files import SampleFile, VoiceFiles
from deployments.administration.speech.voice_samples import (
    MIN_SECONDS,
    SampleFinding,
    SampleReader,
    VoiceSample,
    pitch_problem,
)
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound, UnsupportedAudio
from deployments.contracts.speech import OPENAI_VOICES
from deployments.contracts.voice_library import NewClonedVoice, StoredClonedVoice, StoredVoiceConsent, VoiceUpload
from storage.database import Database
from storage.driver_errors import translate_errors
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

MAX_VOICES, MAX_VOICES_OF_KEY, MAX_BYTES = 200, 20, 500_000_000
_MAX_SAMPLES = 20
_RESERVED = OPENAI_VOICES | {"default", "cloned", "consents"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_MAX_LANGUAGES, _MAX_NAME_LENGTH = 40, 100


class ClonedVoices:
    """``owner`` None is the panel, which sees every voice; an API key sees those that it made."""

    def __init__(self, database: Database, writer: SnapshotWriter, files: VoiceFiles, reader: SampleReader) -> None:
        self._database = database
        self._writer = writer
        self._files = files
        self._reader = reader
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Deletes what a killed process left."""
        await asyncio.to_thread(self._files.remove_leftovers)

    async def add(
        self, voice: NewClonedVoice, by: str, taken: Collection[str] = (), owner: str | None = None
    ) -> StoredClonedVoice:
        """Makes a voice. ``taken`` are the ids of other voices. Raises InvalidRequest, UnsupportedAudio, NotFound for
        an unknown consent, Conflict for one that is revoked and when there are too many voices."""
        name = _checked_name(voice)
        consent = await self._valid_consent(voice.consent_id, owner)
        sample = await self._reader.read_sample(voice.sample)
        _require_person(consent, sample)
        async with self._lock:
            await self._require_room(len(sample.pcm), name, owner)
            voice_id = await self._free_id(voice.id, name, taken)
            draft = StoredClonedVoice(
                voice_id, consent.id, name, voice.languages, sample.measures.seconds, len(sample.pcm), owner or ""
            )
            with translate_errors():
                await asyncio.to_thread(self._files.create, voice_id, _facts(draft), sample.pcm)
            try:
                return await self._save(draft, by, "create", owner)
            except BaseException:
                await self._remove_files(voice_id)
                raise

    async def examine(self, upload: VoiceUpload, consent_id: str = "", voice_id: str = "") -> tuple[SampleFinding, ...]:
        """The checks of a recording, with what was measured; stores nothing. With ``voice_id``, as one more sample of
        that voice. Raises NotFound, and what ``SampleReader.examine`` raises."""
        present_s, pitch_hz = 0.0, 0.0
        if voice_id:
            consent_id = consent_id or (await self.get(voice_id)).consent_id
            present_s = sum(each.seconds for each in await self.samples(voice_id))
        if consent_id:
            async with self._database.unit_of_work() as work:
                pitch_hz = (await require_consent(work, consent_id)).pitch_hz
        return await self._reader.examine(upload, present_s, pitch_hz)

    async def add_sample(self, voice_id: str, upload: VoiceUpload, by: str) -> StoredClonedVoice:
        """Raises NotFound, UnsupportedAudio, Conflict."""
        async with self._lock:
            voice, present = await self.get(voice_id), await self.samples(voice_id)
            if len(present) >= _MAX_SAMPLES:
                raise Conflict(f"the voice has {_MAX_SAMPLES} samples already")
            consent = await self._valid_consent(voice.consent_id, None)
            sample = await self._reader.read_sample(upload, sum(each.seconds for each in present))
            _require_person(consent, sample)
            await self._require_room(len(sample.pcm), None, None)
            with translate_errors():
                await asyncio.to_thread(self._files.add_sample, voice_id, sample.pcm)
            return await self._count_samples(voice, by, "add_sample")

    async def remove_sample(self, voice_id: str, name: str, by: str) -> StoredClonedVoice:
        """Raises NotFound, and Conflict when too little would be left."""
        async with self._lock:
            voice, present = await self.get(voice_id), await self.samples(voice_id)
            left = sum(each.seconds for each in present if each.name != name)
            self._files.sample(voice_id, name)
            if left < MIN_SECONDS:
                raise Conflict(f"{left:.1f} seconds would be left; a voice needs {MIN_SECONDS:g}. Delete the voice")
            await asyncio.to_thread(self._files.remove_sample, voice_id, name)
            return await self._count_samples(voice, by, "remove_sample")

    async def list(self, owner: str | None = None) -> tuple[StoredClonedVoice, ...]:
        async with self._database.unit_of_work() as work:
            return await work.voice_consents.voices(owner=owner)

    async def get(self, voice_id: str, owner: str | None = None) -> StoredClonedVoice:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            found = await work.voice_consents.voice(voice_id[:50], owner)
        if found is None:
            raise NotFound("there is no such cloned voice")
        return found

    async def samples(self, voice_id: str) -> tuple[SampleFile, ...]:
        return await asyncio.to_thread(self._files.samples, voice_id)

    async def sample(self, voice_id: str, name: str, by: str) -> Path:
        """The file of a sample; who listened is in the audit log. Raises NotFound."""
        await self.get(voice_id)
        path = self._files.sample(voice_id, name)
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(by, "listen", "cloned_voice", voice_id))
        return path

    async def set_consent(
        self, voice_id: str, consent_id: str, by: str, installed: Collection[str] = ()
    ) -> StoredClonedVoice:
        """Gives a voice another consent. Also takes in a folder that was put there by hand, and a voice that an engine
        has ``installed`` elsewhere. Raises NotFound, and Conflict for a consent that is revoked."""
        consent = await self._valid_consent(consent_id, None)
        async with self._lock:
            with suppress(NotFound):
                voice = replace(await self.get(voice_id), consent_id=consent.id)
                with translate_errors():
                    await asyncio.to_thread(self._files.write_facts, voice_id, _facts(voice))
                return await self._save(voice, by, "set_consent", None)
            known = {*installed, *await asyncio.to_thread(self._files.ids)}
            if not _ID.fullmatch(voice_id) or voice_id not in known:
                raise NotFound("there is no such cloned voice")
            found = StoredClonedVoice(voice_id, consent.id, voice_id)
            return await self._count_samples(found, by, "set_consent")

    async def delete(self, voice_id: str, by: str, owner: str | None = None) -> None:
        """Deletes a voice with its samples. Raises NotFound."""
        async with self._lock:
            await self.get(voice_id, owner)
            aside = await asyncio.to_thread(self._files.put_aside, voice_id)

            async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
                await work.voice_consents.remove_voice(voice_id)
                return None, AuditEvent(by, "delete", "cloned_voice", voice_id)

            try:
                await self._writer.change(SnapshotField.VOICE_CONSENTS, edit)
            except Exception:
                if aside is not None:
                    await asyncio.to_thread(self._files.bring_back, voice_id, aside)
                raise
            if aside is not None:
                await asyncio.to_thread(self._files.remove, aside)
            await self._remove_settings(voice_id, by)

    async def _remove_settings(self, voice_id: str, by: str) -> None:
        """A later voice with this id must not have the name and the dictionary of the deleted one."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            await work.voices.remove(voice_id)
            return None, AuditEvent(by, "delete", "voice", voice_id)

        async with self._database.unit_of_work() as work:
            known = await work.voices.get(voice_id)
        if known is not None:
            await self._writer.change(SnapshotField.VOICES, edit)

    async def erase(self, person: str, by: str) -> int:
        """Deletes the consents of a person with their voices, and queues the files of the recordings for deletion.
        Returns the number of consents."""
        async with self._database.unit_of_work() as work:
            consents = await work.voice_consents.of_person(person)
            voices = [v for each in consents for v in await work.voice_consents.voices(consent_id=each.id)]
        for voice in voices:
            with suppress(NotFound):
                await self.delete(voice.id, by)

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            for consent in consents:
                await work.voice_consents.remove(consent.id)
            return None, AuditEvent(by, "erase", "voice_consent", consents[0].id)

        if consents:
            await self._writer.change(SnapshotField.VOICE_CONSENTS, edit)
        return len(consents)

    async def _count_samples(self, voice: StoredClonedVoice, by: str, action: str) -> StoredClonedVoice:
        present = await self.samples(voice.id)
        seconds, size = sum(each.seconds for each in present), sum(each.size_bytes for each in present)
        return await self._save(replace(voice, seconds=seconds, size_bytes=size), by, action, None)

    async def _save(self, voice: StoredClonedVoice, by: str, action: str, owner: str | None) -> StoredClonedVoice:
        async def edit(work: UnitOfWork, _: int) -> tuple[StoredClonedVoice, AuditEvent]:
            _require_valid(await require_consent(work, voice.consent_id, owner))
            before = await work.voice_consents.voice(voice.id)
            detail = value_changes(_audited(before), _audited(voice))
            event = AuditEvent(by, action, "cloned_voice", voice.id, detail=detail)
            return await work.voice_consents.save_voice(voice), event

        return await self._writer.change(SnapshotField.VOICE_CONSENTS, edit)

    async def _valid_consent(self, consent_id: str, owner: str | None) -> StoredVoiceConsent:
        async with self._database.unit_of_work() as work:
            consent = await require_consent(work, consent_id, owner)
        _require_valid(consent)
        return consent

    async def _require_room(self, size: int, name: str | None, owner: str | None) -> None:
        async with self._database.unit_of_work() as work:
            voices, used = await work.voice_consents.voices(), await work.voice_consents.size_bytes()
        if used + size > MAX_BYTES:
            raise Conflict(f"the samples of all voices have {used} bytes already; at most {MAX_BYTES}")
        if name is None:
            return
        if len(voices) >= MAX_VOICES:
            raise Conflict(f"there are {MAX_VOICES} cloned voices already; delete some first")
        if owner and sum(voice.owner == owner for voice in voices) >= MAX_VOICES_OF_KEY:
            raise Conflict(f"this key has made {MAX_VOICES_OF_KEY} voices already")
        require_distinct_name(name, [voice.name for voice in voices], "name")

    async def _free_id(self, wanted: str, name: str, taken: Collection[str]) -> str:
        used = {*taken, *_RESERVED, *await asyncio.to_thread(self._files.ids)}
        if wanted:
            if wanted in used:
                raise Conflict(f"the id {wanted!r} is taken", param="id")
            return wanted
        slug = free_slug(name, ()).replace("_", "-")[:30].strip("-")
        return free_slug(slug if _ID.fullmatch(slug) else "voice", used)

    async def _remove_files(self, voice_id: str) -> None:
        aside = await asyncio.to_thread(self._files.put_aside, voice_id)
        if aside is not None:
            await asyncio.to_thread(self._files.remove, aside)


def _checked_name(voice: NewClonedVoice) -> str:
    require_text(voice.name, _MAX_NAME_LENGTH, "name")
    name = " ".join(voice.name.split())
    if not name:
        raise InvalidRequest("a voice needs a name", param="name")
    if voice.id and not _ID.fullmatch(voice.id):
        raise InvalidRequest("id has small letters a-z, digits and hyphens, at most 41", param="id")
    if len(voice.languages) > _MAX_LANGUAGES or not all(_LANGUAGE.fullmatch(tag) for tag in voice.languages):
        raise InvalidRequest("languages are tags such as ru and en", param="languages")
    return name


def _facts(voice: StoredClonedVoice) -> dict[str, object]:
    """The content of ``voice.json``."""
    return {"id": voice.id, "name": voice.name, "languages": voice.languages, "consent_id": voice.consent_id}


def _audited(voice: StoredClonedVoice | None) -> dict[str, object]:
    """What the audit log may keep for ever: no name."""
    return {"languages": voice.languages, "consent_id": voice.consent_id} if voice else {}


def _require_valid(consent: StoredVoiceConsent) -> None:
    if consent.revoked_at is not None:
        raise Conflict(f"the consent was revoked on {consent.revoked_at:%Y-%m-%d}", param="consent")


def _require_person(consent: StoredVoiceConsent, sample: VoiceSample) -> None:
    if problem := pitch_problem(consent.pitch_hz, sample.measures.pitch_hz):
        raise UnsupportedAudio(problem, param="file")
