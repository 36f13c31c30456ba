"""The audit trail as a whole, a page at a time: nobody else waits longer for the database than one page takes."""

from collections.abc import AsyncIterator

from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditChainCheck, AuditFilter, AuditRecord

_PAGE = 500


async def verify_audit_log(database: Database, page_size: int = _PAGE) -> int | None:
    """The id of the first audit row that does not fit into the chain; None when all do."""
    checked = AuditChainCheck(ChainPosition(), finished=False)
    while not checked.finished:
        async with database.unit_of_work() as work:
            checked = await work.audit.check_chain(checked.position, page_size)
    return checked.broken_id


async def export_audit_log(
    database: Database, criteria: AuditFilter, page_size: int = _PAGE
) -> AsyncIterator[AuditRecord]:
    """Every matching record, the oldest first."""
    last_id = 0
    while True:
        async with database.unit_of_work() as work:
            records = await work.audit.after(criteria, last_id, page_size)
        for record in records:
            yield record
        if len(records) < page_size:
            return
        last_id = records[-1].id
