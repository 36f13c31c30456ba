"""The audit trail as a file: JSON, or CSV that a spreadsheet takes for text and never for a formula."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict

import orjson

from deployments.administration.audit.audit_log import AuditRecord
from deployments.administration.office.csv_cells import escape_cell

_COLUMNS = ("id", "timestamp", "user_id", "action", "resource", "resource_id", "user_ip", "details")


def audit_entry(record: AuditRecord) -> dict[str, object]:
    """The fields of an event by their names on the wire."""
    fields = {"id": record.id, **asdict(record.event)}
    order = ("id", "at", "username", "action", "resource", "resource_id", "address", "detail")
    return {name: fields[own] for name, own in zip(_COLUMNS, order, strict=True)}


async def stream_json(events: AsyncIterator[AuditRecord]) -> AsyncGenerator[bytes]:
    """One JSON list, an event on each line."""
    separator = b"[\n"
    async for event in events:
        yield separator + orjson.dumps(audit_entry(event))
        separator = b",\n"
    yield b"\n]\n" if separator == b",\n" else b"[]\n"


async def stream_csv(events: AsyncIterator[AuditRecord]) -> AsyncGenerator[bytes]:
    """RFC 4180, in UTF-8, every cell in quotes."""
    yield _line(_COLUMNS)
    async for event in events:
        yield _line([escape_cell(_text(value)) for value in audit_entry(event).values()])


def _text(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(cells)
    return buffer.getvalue().encode()
