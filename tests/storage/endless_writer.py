"""Writes without end, one unit of work after another, and says which ones were acknowledged. Made to be killed."""

import asyncio
import sys

from deployments.contracts.settings import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent


async def write(url: str) -> None:
    database = Database(url)
    await database.open()
    while True:
        async with database.unit_of_work() as work:
            revision = await work.revisions.next()
            await work.faq.add(FaqEntry(question=f"Вопрос {revision}", answer="Да. " * 200))
            await work.audit.add(AuditEvent("writer", "create", "faq", str(revision)))
        sys.stdout.write(f"{revision}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
