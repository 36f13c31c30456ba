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
from storage.secrets import Sealer, next_key_path, read_or_create_secret


class RotationStep(Enum):
    """How far a rotation has come."""

    KEY_WRITTEN = "the new key is on disk"
    RESEALED = "everything is sealed anew, not committed"
    COMMITTED = "everything is sealed anew"
    SWITCHED = "the new key is in its place"


def _on(_: RotationStep) -> None:
    """Nobody watches."""


async def rotate_secret_key(database: Database, key_path: Path, on_step: Callable[[RotationStep], None] = _on) -> int:
    """Seals everything in the open ``database`` with a new key and puts it into ``path``; how many secrets there were.

    Raises SealBroken, naming the place, when one of them opens with no key that is there: then nothing is changed.
    """
    old, following = read_or_create_secret(key_path), next_key_path(key_path)
    new = read_or_create_secret(following)
    on_step(RotationStep.KEY_WRITTEN)
    both = Sealer(new, old)
    async with database.unit_of_work() as work:
        count = await work.sealed.replace_all(lambda sealed: both.seal(both.open(sealed)))
        await work.audit.add(AuditEvent("(console)", "rotate", "secret_key", detail=f"{count} secrets"))
        on_step(RotationStep.RESEALED)
    on_step(RotationStep.COMMITTED)
    os.replace(following, key_path)
    _sync(key_path.parent)
    on_step(RotationStep.SWITCHED)
    await database.truncate_wal()
    return count


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
