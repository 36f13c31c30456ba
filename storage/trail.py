"""The audit trail as a whole, a page at a time: nobody else waits longer for the database than one page takes."""

from collections.abc import AsyncIterator

from storage.chain import Link
from storage.database import Database
from storage.repositories.audit import AuditFilter, AuditRecord, Checked

_PAGE = 500


async def verified(database: Database, page: int = _PAGE) -> int | None:
    """The id of the first audit row that does not fit into the chain; None when all do."""
    checked = Checked(Link(), finished=False)
    while not checked.finished:
        async with database.unit_of_work() as work:
            checked = await work.audit.check(checked.reached, page)
    return checked.broken


async def exported(database: Database, wanted: AuditFilter, page: int = _PAGE) -> AsyncIterator[AuditRecord]:
    """Every matching record, the oldest first."""
    last_id = 0
    while True:
        async with database.unit_of_work() as work:
            records = await work.audit.after(wanted, last_id, page)
        for record in records:
            yield record
        if len(records) < page:
            return
        last_id = records[-1].id
