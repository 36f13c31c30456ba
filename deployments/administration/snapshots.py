"""From stored rows to the snapshot that the data plane lives off."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from deployments.administration.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.settings import ApiKey, FaqEntry, Preset, Snapshot
from storage.work import UnitOfWork

EPOCH_FACT = "cache_epoch"


class Part(StrEnum):
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


async def load(work: UnitOfWork) -> Snapshot:
    """The whole stored state at its current revision."""
    parts = {part.value: await read(work) for part, read in _READERS.items()}
    return Snapshot(revision=await work.revisions.current()).model_copy(update=parts)


async def reload(snapshot: Snapshot, part: Part, revision: int, work: UnitOfWork) -> Snapshot:
    """``snapshot`` at ``revision``, with ``part`` read anew. Prepared answers that say the same stay the same objects:
    whoever follows tells by that what changed."""
    found = await _READERS[part](work) if part is not Part.FAQ else _kept(await work.faq.in_force(), snapshot.faq)
    return snapshot.model_copy(update={"revision": revision, part.value: found})


def _kept(entries: tuple[FaqEntry, ...], before: tuple[FaqEntry, ...]) -> tuple[FaqEntry, ...]:
    known = {entry.id: entry for entry in before}
    return tuple(known[entry.id] if known.get(entry.id) == entry else entry for entry in entries)


async def _keys(work: UnitOfWork) -> tuple[ApiKey, ...]:
    return await work.keys.valid()


async def _presets(work: UnitOfWork) -> tuple[Preset, ...]:
    return (*BUILTIN_PRESETS, *await work.presets.all())


async def _epoch(work: UnitOfWork) -> int:
    return int(await work.installation.get(EPOCH_FACT) or 0)


_READERS: Mapping[Part, Callable[[UnitOfWork], Awaitable[object]]] = {
    Part.SETTINGS: lambda work: work.settings.get(),
    Part.FAQ: lambda work: work.faq.in_force(),
    Part.PERSONAS: lambda work: work.personas.all(),
    Part.API_KEYS: _keys,
    Part.BOTS: lambda work: work.bots.all(),
    Part.VOICES: lambda work: work.voices.all(),
    Part.PRESETS: _presets,
    Part.PROVIDERS: lambda work: work.providers.all(),
    Part.CHAINS: lambda work: work.chains.all(),
    Part.WIDGETS: lambda work: work.widgets.all(),
    Part.CACHE_EPOCH: _epoch,
}
