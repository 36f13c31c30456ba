"""Administration of voices: what people set for a voice that an engine provides, and the phrase cache."""

from pydantic import Field

from deployments.administration.audit.value_changes import model_changes, value_changes
from deployments.administration.office.drafts import Draft, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import CACHE_EPOCH_KEY, SnapshotField
from deployments.administration.speech.presets import require_preset
from deployments.administration.speech.pronunciations import MAX_OF_ALL_VOICES, require_pronunciations
from deployments.contracts.errors import Conflict
from deployments.contracts.voice_settings import Pronunciation, VoiceSettings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork


class VoiceDraft(Draft):
    """The editable settings of a voice. An empty ``name`` means that of the engine, an empty ``preset`` the default."""

    name: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=2_000)
    enabled: bool = True
    preset: str = Field(default="", max_length=100)


class VoiceAdministration:
    """Stores the settings of voices and clears the phrase caches of the doors."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._writer = writer

    async def update_settings(self, voice_id: str, draft: VoiceDraft, expected_version: int, by: str) -> VoiceSettings:
        """Stores the settings of a voice. ``expected_version`` is 0 for a voice without settings. Raises Conflict;
        InvalidRequest for an unknown preset. The caller checks that the voice exists."""

        async def edit(work: UnitOfWork, _: int) -> tuple[VoiceSettings, AuditEvent]:
            before = await work.voices.get(voice_id)
            version = before.version if before else 0
            require_version(version, expected_version, "voice")
            await require_preset(work, draft.preset, "preset")
            kept = before.pronunciations if before else ()
            stored = VoiceSettings(id=voice_id, version=version + 1, pronunciations=kept, **draft.model_dump())
            await work.voices.save(stored)
            known = before or VoiceSettings(id=voice_id, version=0)
            return stored, AuditEvent(by, "update", "voice", voice_id, detail=model_changes(known, stored))

        return await self._writer.change(SnapshotField.VOICES, edit)

    async def set_pronunciations(
        self, voice_id: str, entries: tuple[Pronunciation, ...], expected_version: int, by: str
    ) -> VoiceSettings:
        """Replaces the pronunciation dictionary of a voice. Raises Conflict, also at the maximum number of entries of
        all voices; InvalidRequest for an entry that cannot work. The caller checks that the voice exists."""
        require_pronunciations(entries)

        async def edit(work: UnitOfWork, _: int) -> tuple[VoiceSettings, AuditEvent]:
            before = await work.voices.get(voice_id) or VoiceSettings(id=voice_id, version=0)
            require_version(before.version, expected_version, "voice")
            others = sum(len(each.pronunciations) for each in await work.voices.all() if each.id != voice_id)
            if others + len(entries) > MAX_OF_ALL_VOICES:
                raise Conflict(f"the dictionaries of all voices have {others} other entries; {MAX_OF_ALL_VOICES} fit")
            stored = before.model_copy(update={"pronunciations": entries, "version": before.version + 1})
            await work.voices.save(stored)
            detail = value_changes(
                {"entries": [each.model_dump() for each in before.pronunciations if each not in entries]},
                {"entries": [each.model_dump() for each in entries if each not in before.pronunciations]},
            )
            return stored, AuditEvent(by, "update", "pronunciations", voice_id, detail=detail)

        return await self._writer.change(SnapshotField.VOICES, edit)

    async def clear_phrase_cache(self, by: str) -> int:
        """Makes every door drop its cached phrases. Returns the new cache epoch."""

        async def edit(work: UnitOfWork, revision: int) -> tuple[int, AuditEvent]:
            await work.installation.put(CACHE_EPOCH_KEY, str(revision))
            return revision, AuditEvent(by, "clear", "phrase_cache")

        return await self._writer.change(SnapshotField.CACHE_EPOCH, edit)
