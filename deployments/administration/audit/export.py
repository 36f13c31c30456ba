"""Exports the audit log as JSON, or as CSV with escaped formulas."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict

import orjson

from deployments.administration.audit.audit_log import AuditRecord
from deployments.administration.office.csv_cells import escape_cell

_COLUMNS = ("id", "timestamp", "user_id", "action", "resource", "resource_id", "user_ip", "details")


def audit_entry(record: AuditRecord) -> dict[str, object]:
    """Returns the fields of an event under their names in the API."""
    fields = {"id": record.id, **asdict(record.event)}
    order = ("id", "at", "username", "action", "resource", "resource_id", "address", "detail")
    return {name: fields[own] for name, own in zip(_COLUMNS, order, strict=True)}


async def stream_json(events: AsyncIterator[AuditRecord]) -> AsyncGenerator[bytes]:
    """Streams a JSON list with one event per line."""
    separator = b"[\n"
    async for event in events:
        yield separator + orjson.dumps(audit_entry(event))
        separator = b",\n"
    yield b"\n]\n" if separator == b",\n" else b"[]\n"


async def stream_csv(events: AsyncIterator[AuditRecord]) -> AsyncGenerator[bytes]:
    """Streams CSV (RFC 4180) in UTF-8 with all cells quoted."""
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
