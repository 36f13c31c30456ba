"""Rows of the audit log: adding, changing and checking them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditChainCheck, AuditEvent

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def add_events(database: Database, count: int = 7) -> None:
    """Adds events 1 to ``count``, one for each day after ``START``."""
    async with database.unit_of_work() as work:
        for number in range(1, count + 1):
            event = AuditEvent(
                "anna", "update", "faq", str(number), "10.0.0.1", f"answer {number}", START + number * DAY
            )
            await work.audit.add(event)


async def execute_sql(database: Database, *statements: str) -> None:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await database.run_sync(run)


async def first_broken_row(database: Database, page_size: int = 1000) -> int | None:
    """The id of the first row that breaks the hash chain."""
    checked = AuditChainCheck(ChainPosition(), finished=False)
    while not checked.finished:
        async with database.unit_of_work() as work:
            checked = await work.audit.check_chain(checked.position, page_size)
    return checked.broken_id
