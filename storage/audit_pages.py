"""Verifies and exports the whole audit log in pages. Each page is a unit of work of its own, so others wait for one
page at most."""

from collections.abc import AsyncIterator

from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditChainCheck, AuditFilter, AuditRecord

_PAGE_SIZE = 500


async def verify_audit_log(database: Database, page_size: int = _PAGE_SIZE) -> int | None:
    """Returns the id of the first row that breaks the hash chain, or None when the chain is intact."""
    checked = AuditChainCheck(ChainPosition(), finished=False)
    while not checked.finished:
        async with database.unit_of_work() as work:
            checked = await work.audit.check_chain(checked.position, page_size)
    return checked.broken_id


async def export_audit_log(
    database: Database, criteria: AuditFilter, page_size: int = _PAGE_SIZE
) -> AsyncIterator[AuditRecord]:
    """Yields every matching record, the oldest first."""
    last_id = 0
    while True:
        async with database.unit_of_work() as work:
            records = await work.audit.after(criteria, last_id, page_size)
        for record in records:
            yield record
        if len(records) < page_size:
            return
        last_id = records[-1].id
