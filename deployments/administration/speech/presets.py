"""Administration of speech presets: five builtin ones, which are code, and custom ones, which are stored."""

from pydantic import Field

from deployments.administration.office.drafts import Draft
from deployments.administration.office.spec_administration import KeyedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.errors import Conflict, Forbidden, InvalidRequest
from deployments.contracts.voice_settings import Preset, PresetParams
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

_BUILTIN = {preset.name: preset for preset in BUILTIN_PRESETS}


class PresetDraft(Draft):
    """The editable fields of a preset. Parameters that are not given are those of ``neutral``."""

    display_name: str = Field(default="", max_length=100)
    params: PresetParams = PresetParams()


class PresetAdministration(KeyedSpecAdministration[Preset, PresetDraft]):
    """A change of a builtin preset raises Forbidden. A preset is needed while it is the default one, or that of a
    voice, a bot or a widget."""

    field = SnapshotField.PRESETS
    noun = "speech preset"
    resource = "tts_preset"
    key_field = "name"

    async def list(self) -> tuple[Preset, ...]:
        """Builtin presets, then custom ones by name."""
        return (*BUILTIN_PRESETS, *await super().list())

    def _repository(self, work: UnitOfWork) -> SpecRepository[Preset]:
        return work.presets

    async def _find(self, work: UnitOfWork, key: str) -> Preset | None:
        return _BUILTIN.get(key) or await super()._find(work, key)

    async def _existing(self, work: UnitOfWork, key: str) -> Preset:
        if key in _BUILTIN:
            raise Forbidden(f"{key!r} is a builtin preset and cannot be changed; create a custom one")
        return await super()._existing(work, key)

    async def _build(self, work: UnitOfWork, key: str, draft: PresetDraft, before: Preset | None) -> Preset:
        return Preset(name=key, version=before.version + 1 if before else 1, **dict(draft))

    async def _check_unused(self, work: UnitOfWork, spec: Preset) -> None:
        if (await work.settings.get()).speech.default_preset == spec.name:
            raise Conflict("this is the default preset: choose another default first")
        if users := await _users(work, spec.name):
            raise Conflict(f"this preset is in use: {', '.join(users)}")


async def require_preset(work: UnitOfWork, name: str, param: str) -> None:
    """Raises InvalidRequest about ``param`` when there is no speech preset ``name``; "" names none."""
    if name and name not in _BUILTIN and await work.presets.get(name) is None:
        raise InvalidRequest(f"there is no speech preset {name!r}", param=param)


async def _users(work: UnitOfWork, preset: str) -> list[str]:
    """The voices, bots and widgets that use ``preset``."""
    voices = [f"voice {voice.id}" for voice in await work.voices.all() if voice.preset == preset]
    bots = [f"bot {bot.id}" for bot in await work.bots.all() if bot.tts_preset == preset]
    return voices + bots + [f"widget {each.id}" for each in await work.widgets.all() if each.tts_preset == preset]
