"""Work for child processes that are killed in the middle of it."""

import asyncio
import os
import signal
from pathlib import Path

from deployments.contracts.faq_entry import FaqEntry
from storage.database import Database
from storage.key_rotation import RotationStep, rotate_secret_key
from storage.repositories.audit import AuditEvent
from storage.restore import restore_backup
from tests.storage.installation_files import installation_paths


def write_endlessly(url: str, acknowledged: Path) -> None:
    """Runs one unit of work after another and appends each committed revision to ``acknowledged``, one per line."""
    asyncio.run(_write_endlessly(url, acknowledged))


async def _write_endlessly(url: str, acknowledged: Path) -> None:
    database = Database(url)
    await database.open()
    with acknowledged.open("ab", buffering=0) as file:
        while True:
            async with database.unit_of_work() as work:
                revision = await work.revisions.next()
                await work.faq.add(FaqEntry(question=f"Вопрос {revision}", answer="Да. " * 200))
                await work.audit.add(AuditEvent("writer", "create", "faq", str(revision)))
            file.write(f"{revision}\n".encode())


def rotate_until(url: str, key: Path, last: RotationStep) -> None:
    """Rotates the secret key and exits with status 9 after the step ``last``."""

    async def rotate() -> None:
        database = Database(url)
        await database.open()
        await rotate_secret_key(database, key, lambda step: os._exit(9) if step is last else None)

    asyncio.run(rotate())


def restore_until(archive: Path, folder: Path, moves: int) -> None:
    """Restores ``archive`` into ``folder`` and kills this process after the given number of moves."""
    done: list[Path] = []

    def on_moved(target: Path) -> None:
        done.append(target)
        if len(done) == moves:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(restore_backup(archive, installation_paths(folder, "secret.key"), force=True, on_moved=on_moved))


def open_database(url: str) -> None:
    """Opens the database without waiting for its owner."""
    asyncio.run(Database(url, ownership_timeout_s=0).open())
