"""Reads the snapshot that the data plane works with from the database."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.api_key import ApiKey
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.voice_settings import Preset
from storage.unit_of_work import UnitOfWork

CACHE_EPOCH_KEY = "cache_epoch"


class SnapshotField(StrEnum):
    """A field of the snapshot that a change can update."""

    SETTINGS = "settings"
    FAQ = "faq"
    PERSONAS = "personas"
    API_KEYS = "api_keys"
    BOTS = "bots"
    VOICES = "voices"
    VOICE_CONSENTS = "voice_consents"
    PRESETS = "presets"
    PROVIDERS = "providers"
    CHAINS = "chains"
    WIDGETS = "widgets"
    CACHE_EPOCH = "cache_epoch"


async def load_snapshot(work: UnitOfWork) -> Snapshot:
    """The complete snapshot at the current revision."""
    values = {field.value: await read(work) for field, read in _READERS.items()}
    return Snapshot(revision=await work.revisions.current()).model_copy(update=values)


async def reload_field(snapshot: Snapshot, field: SnapshotField, revision: int, work: UnitOfWork) -> Snapshot:
    """``snapshot`` at ``revision`` with ``field`` read again. Unchanged FAQ entries stay the same objects, so that
    subscribers find the changed ones by identity."""
    found = (
        await _READERS[field](work)
        if field is not SnapshotField.FAQ
        else _reuse_unchanged(await work.faq.all_enabled(), snapshot.faq)
    )
    return snapshot.model_copy(update={"revision": revision, field.value: found})


def _reuse_unchanged(entries: tuple[FaqEntry, ...], before: tuple[FaqEntry, ...]) -> tuple[FaqEntry, ...]:
    previous = {entry.id: entry for entry in before}
    return tuple(previous[entry.id] if previous.get(entry.id) == entry else entry for entry in entries)


async def _api_keys(work: UnitOfWork) -> tuple[ApiKey, ...]:
    return await work.keys.all_valid()


async def _presets(work: UnitOfWork) -> tuple[Preset, ...]:
    return (*BUILTIN_PRESETS, *await work.presets.all())


async def _cache_epoch(work: UnitOfWork) -> int:
    return int(await work.installation.get(CACHE_EPOCH_KEY) or 0)


_READERS: Mapping[SnapshotField, Callable[[UnitOfWork], Awaitable[object]]] = {
    SnapshotField.SETTINGS: lambda work: work.settings.get(),
    SnapshotField.FAQ: lambda work: work.faq.all_enabled(),
    SnapshotField.PERSONAS: lambda work: work.personas.all(),
    SnapshotField.API_KEYS: _api_keys,
    SnapshotField.BOTS: lambda work: work.bots.all(),
    SnapshotField.VOICES: lambda work: work.voices.all(),
    SnapshotField.VOICE_CONSENTS: lambda work: work.voice_consents.for_doors(),
    SnapshotField.PRESETS: _presets,
    SnapshotField.PROVIDERS: lambda work: work.providers.all(),
    SnapshotField.CHAINS: lambda work: work.chains.all(),
    SnapshotField.WIDGETS: lambda work: work.widgets.all(),
    SnapshotField.CACHE_EPOCH: _cache_epoch,
}
