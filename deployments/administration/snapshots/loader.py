"""From stored rows to the snapshot that the data plane lives off."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.settings import ApiKey, FaqEntry, Preset, Snapshot
from storage.unit_of_work import UnitOfWork

CACHE_EPOCH_KEY = "cache_epoch"


class SnapshotField(StrEnum):
    """A field of the snapshot that a change can touch."""

    SETTINGS = "settings"
    FAQ = "faq"
    PERSONAS = "personas"
    API_KEYS = "api_keys"
    BOTS = "bots"
    VOICES = "voices"
    PRESETS = "presets"
    PROVIDERS = "providers"
    CHAINS = "chains"
    WIDGETS = "widgets"
    CACHE_EPOCH = "cache_epoch"


async def load_snapshot(work: UnitOfWork) -> Snapshot:
    """The whole stored state at its current revision."""
    parts = {part.value: await read(work) for part, read in _READERS.items()}
    return Snapshot(revision=await work.revisions.current()).model_copy(update=parts)


async def reload_field(snapshot: Snapshot, field: SnapshotField, revision: int, work: UnitOfWork) -> Snapshot:
    """``snapshot`` at ``revision``, with ``part`` read anew. Prepared answers that say the same stay the same objects:
    whoever follows tells by that what changed."""
    found = (
        await _READERS[field](work)
        if field is not SnapshotField.FAQ
        else _kept(await work.faq.all_enabled(), snapshot.faq)
    )
    return snapshot.model_copy(update={"revision": revision, field.value: found})


def _kept(entries: tuple[FaqEntry, ...], before: tuple[FaqEntry, ...]) -> tuple[FaqEntry, ...]:
    known = {entry.id: entry for entry in before}
    return tuple(known[entry.id] if known.get(entry.id) == entry else entry for entry in entries)


async def _keys(work: UnitOfWork) -> tuple[ApiKey, ...]:
    return await work.keys.all_valid()


async def _presets(work: UnitOfWork) -> tuple[Preset, ...]:
    return (*BUILTIN_PRESETS, *await work.presets.all())


async def _epoch(work: UnitOfWork) -> int:
    return int(await work.installation.get(CACHE_EPOCH_KEY) or 0)


_READERS: Mapping[SnapshotField, Callable[[UnitOfWork], Awaitable[object]]] = {
    SnapshotField.SETTINGS: lambda work: work.settings.get(),
    SnapshotField.FAQ: lambda work: work.faq.all_enabled(),
    SnapshotField.PERSONAS: lambda work: work.personas.all(),
    SnapshotField.API_KEYS: _keys,
    SnapshotField.BOTS: lambda work: work.bots.all(),
    SnapshotField.VOICES: lambda work: work.voices.all(),
    SnapshotField.PRESETS: _presets,
    SnapshotField.PROVIDERS: lambda work: work.providers.all(),
    SnapshotField.CHAINS: lambda work: work.chains.all(),
    SnapshotField.WIDGETS: lambda work: work.widgets.all(),
    SnapshotField.CACHE_EPOCH: _epoch,
}
