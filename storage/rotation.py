"""Goes over to a new secret key. Whenever it is interrupted, everything sealed can still be opened.

1. The new key is written beside the old one (``secret.key.next``); from now on both open.
2. One transaction seals everything with the new key.
3. The new key takes the place of the old one, atomically.

After an interruption the next rotation goes on with the key that is there.
"""

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import Sealer, next_key_path, secret_file


class Step(Enum):
    """How far a rotation has come."""

    KEY_WRITTEN = "the new key is on disk"
    RESEALED = "everything is sealed anew, not committed"
    COMMITTED = "everything is sealed anew"
    SWITCHED = "the new key is in its place"


def _on(_: Step) -> None:
    """Nobody watches."""


async def rotate(database: Database, path: Path, reached: Callable[[Step], None] = _on) -> int:
    """Seals everything in the open ``database`` with a new key and puts it into ``path``; how many secrets there were.

    Raises SealBroken, naming the place, when one of them opens with no key that is there: then nothing is changed.
    """
    old, following = secret_file(path), next_key_path(path)
    new = secret_file(following)
    reached(Step.KEY_WRITTEN)
    both = Sealer(new, old)
    async with database.unit_of_work() as work:
        count = await work.sealed.replace_all(lambda sealed: both.seal(both.open(sealed)))
        await work.audit.add(AuditEvent("(console)", "rotate", "secret_key", detail=f"{count} secrets"))
        reached(Step.RESEALED)
    reached(Step.COMMITTED)
    os.replace(following, path)
    _sync(path.parent)
    reached(Step.SWITCHED)
    await database.scrub()
    return count


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
