"""From stored rows to the snapshot that the data plane lives off."""

from enum import StrEnum

from deployments.contracts.settings import Snapshot
from storage.work import UnitOfWork


class Part(StrEnum):
    """A field of the snapshot that a change can touch."""

    SETTINGS = "settings"
    FAQ = "faq"
    PERSONAS = "personas"
    API_KEYS = "api_keys"
    BOTS = "bots"


async def load(work: UnitOfWork) -> Snapshot:
    """The whole stored state at its current revision."""
    return Snapshot(
        revision=await work.revisions.current(),
        settings=await work.settings.get(),
        faq=await work.faq.all(enabled_only=True),
        personas=await work.personas.all(),
        api_keys=await work.keys.valid(),
        bots=await work.bots.all(),
    )


async def reload(snapshot: Snapshot, part: Part, revision: int, work: UnitOfWork) -> Snapshot:
    """``snapshot`` at ``revision``, with ``part`` read anew."""
    return snapshot.model_copy(update={"revision": revision, part.value: await _read(part, work)})


async def _read(part: Part, work: UnitOfWork) -> object:
    match part:
        case Part.SETTINGS:
            return await work.settings.get()
        case Part.FAQ:
            return await work.faq.all(enabled_only=True)
        case Part.PERSONAS:
            return await work.personas.all()
        case Part.API_KEYS:
            return await work.keys.valid()
        case Part.BOTS:
            return await work.bots.all()
