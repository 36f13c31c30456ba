"""Rotation of the secret key. An interruption at any step leaves every sealed text readable.

1. The new key is written beside the old one (``secret.key.next``). From then on both keys open sealed texts.
2. One transaction seals every text with the new key.
3. The new key replaces the old one atomically.

The next rotation after an interruption continues with the key that exists.
"""

import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.restore_journal import fsync_directory
from storage.secrets import Sealer, next_key_path, read_or_create_secret


class RotationStep(Enum):
    """A completed step of a rotation. ``RESEALED`` is before the commit."""

    KEY_WRITTEN = auto()
    RESEALED = auto()
    COMMITTED = auto()
    SWITCHED = auto()


def _ignore(_: RotationStep) -> None:
    """The default callback."""


async def rotate_secret_key(
    database: Database, key_path: Path, on_step: Callable[[RotationStep], None] = _ignore
) -> int:
    """Seals every text in the open ``database`` with a new key, writes the key to ``key_path`` and returns the number
    of sealed texts.

    Raises SealBroken, naming the row, when no existing key opens a text. Nothing is changed then.
    """
    old, next_path = read_or_create_secret(key_path), next_key_path(key_path)
    new = read_or_create_secret(next_path)
    on_step(RotationStep.KEY_WRITTEN)
    both = Sealer(new, old)
    async with database.unit_of_work() as work:
        count = await work.sealed.replace_all(lambda sealed: both.seal(both.open(sealed)))
        await work.audit.add(AuditEvent("(console)", "rotate", "secret_key", detail=f"{count} secrets"))
        on_step(RotationStep.RESEALED)
    on_step(RotationStep.COMMITTED)
    os.replace(next_path, key_path)
    fsync_directory(key_path.parent)
    on_step(RotationStep.SWITCHED)
    await database.truncate_wal()
    return count
