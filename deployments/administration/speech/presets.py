"""How the secretary sounds, as people decide it: voices, speech presets and the memory of spoken phrases."""

from pydantic import Field

from deployments.administration.office.drafts import Draft, require_capacity, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import CACHE_EPOCH_KEY, SnapshotField
from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from deployments.contracts.settings import Preset, PresetParams, VoiceSettings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

_BUILTIN = {preset.name: preset for preset in BUILTIN_PRESETS}


class PresetDraft(Draft):
    """What a person writes down. Parameters that are not given are those of ``neutral``."""

    display_name: str = Field(default="", max_length=100)
    params: PresetParams = PresetParams()


class VoiceDraft(Draft):
    """What a person decides about a voice. ``name`` "" means the engine's, ``preset`` "" the default one."""

    name: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=2_000)
    enabled: bool = True
    preset: str = Field(default="", max_length=100)


class PresetAdministration:
    """Speech presets: five that come with the program, and people's own."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._desk = writer

    async def list(self) -> tuple[Preset, ...]:
        """Builtin ones, then people's own by name."""
        async with self._database.unit_of_work() as work:
            return (*BUILTIN_PRESETS, *await work.presets.all())

    async def get(self, name: str) -> Preset:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return _BUILTIN.get(name) or await _own(work, name)

    async def create(self, name: str, draft: PresetDraft, by: str) -> Preset:
        """Raises Conflict when there is a preset of this name, builtin or not."""
        preset = Preset(name=name, **dict(draft))

        async def edit(work: UnitOfWork, _: int) -> tuple[Preset, AuditEvent]:
            if name in _BUILTIN or await work.presets.get(name) is not None:
                raise Conflict(f"there is a speech preset {name!r} already", param="name")
            require_capacity(await work.presets.all(), "speech presets")
            await work.presets.save(preset)
            return preset, AuditEvent(by, "create", "tts_preset", name)

        return await self._desk.change(SnapshotField.PRESETS, edit)

    async def update(self, name: str, draft: PresetDraft, expected_version: int, by: str) -> Preset:
        """Raises NotFound, Conflict; Forbidden for a builtin preset."""
        _require_own(name)

        async def edit(work: UnitOfWork, _: int) -> tuple[Preset, AuditEvent]:
            before = await _own(work, name)
            require_version(before.version, expected_version, "preset")
            preset = Preset(name=name, version=before.version + 1, **dict(draft))
            await work.presets.save(preset)
            return preset, AuditEvent(by, "update", "tts_preset", name)

        return await self._desk.change(SnapshotField.PRESETS, edit)

    async def delete(self, name: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound; Forbidden for a builtin preset; Conflict while it is the default one, or that of a
        voice, a bot or a widget."""
        _require_own(name)

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            preset = await _own(work, name)
            require_version(preset.version, expected_version, "preset")
            if (await work.settings.get()).speech.default_preset == name:
                raise Conflict("this is the default preset: choose another default first")
            if users := await _users(work, name):
                raise Conflict(f"this preset is in use: {', '.join(users)}")
            await work.presets.remove(name)
            return None, AuditEvent(by, "delete", "tts_preset", name)

        await self._desk.change(SnapshotField.PRESETS, edit)


class VoiceAdministration:
    """Decisions about voices, and the order to forget spoken phrases."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._desk = writer

    async def list(self) -> tuple[VoiceSettings, ...]:
        """Every decision by voice id; most voices have none."""
        async with self._database.unit_of_work() as work:
            return await work.voices.all()

    async def set_choice(self, voice_id: str, draft: VoiceDraft, expected_version: int, by: str) -> VoiceSettings:
        """``expected_version`` is 0 for a voice that nobody has decided about. Raises Conflict; InvalidRequest for an
        unknown preset. Whether there is such a voice is the caller's to know."""

        async def edit(work: UnitOfWork, _: int) -> tuple[VoiceSettings, AuditEvent]:
            before = await work.voices.get(voice_id)
            version = before.version if before else 0
            require_version(version, expected_version, "voice")
            await require_preset(work, draft.preset, "preset")
            choice = VoiceSettings(id=voice_id, version=version + 1, **draft.model_dump())
            await work.voices.save(choice)
            return choice, AuditEvent(by, "update", "voice", voice_id, detail="on" if choice.enabled else "off")

        return await self._desk.change(SnapshotField.VOICES, edit)

    async def clear_phrase_cache(self, by: str) -> int:
        """Every door drops the phrases it has in memory. The new epoch."""

        async def edit(work: UnitOfWork, revision: int) -> tuple[int, AuditEvent]:
            await work.installation.put(CACHE_EPOCH_KEY, str(revision))
            return revision, AuditEvent(by, "clear", "phrase_cache")

        return await self._desk.change(SnapshotField.CACHE_EPOCH, edit)


async def require_preset(work: UnitOfWork, name: str, param: str) -> None:
    """Raises InvalidRequest about ``param`` when there is no speech preset ``name``; "" names none."""
    if name and name not in _BUILTIN and await work.presets.get(name) is None:
        raise InvalidRequest(f"there is no speech preset {name!r}", param=param)


async def _users(work: UnitOfWork, preset: str) -> list[str]:
    """Everything that speaks with ``preset``."""
    voices = [f"voice {voice.id}" for voice in await work.voices.all() if voice.preset == preset]
    bots = [f"bot {bot.id}" for bot in await work.bots.all() if bot.tts_preset == preset]
    return voices + bots + [f"widget {each.id}" for each in await work.widgets.all() if each.tts_preset == preset]


def _require_own(name: str) -> None:
    if name in _BUILTIN:
        raise Forbidden(f"{name!r} comes with the program and cannot be changed; make one of your own")


async def _own(work: UnitOfWork, name: str) -> Preset:
    preset = await work.presets.get(name)
    if preset is None:
        raise NotFound(f"there is no speech preset {name!r} of your own")
    return preset
