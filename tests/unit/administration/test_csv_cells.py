"""Exported CSV cells are never formulas, and reading restores them."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.administration.audit.audit_log import AuditEvent, AuditRecord
from deployments.administration.audit.export import stream_csv
from deployments.administration.faq.files import entries_to_csv
from deployments.administration.office.csv_cells import escape_cell, unescape_cell
from deployments.contracts.faq_entry import FaqEntry

CALCULATED = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    " =1",
    "\u00a0\u3000=1",
)
CELLS = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from(["=", "+", "-", "@", "＝", "＠", "'", " ", "\t", "\r", "\n", "1"]), max_size=6).map(
        "".join
    ),
)


def is_text(cell: str) -> bool:
    """Returns whether every spreadsheet reads ``cell`` as text."""
    return not cell.startswith(("\t", "\r", "\n")) and cell.lstrip()[:1] not in tuple("=+-@＝＋－＠")


@given(CELLS)
def test_escaped_cell_is_text_and_reversible(text: str) -> None:
    cell = escape_cell(text)
    assert is_text(cell) or cell == "", cell
    assert unescape_cell(cell) == text


@pytest.mark.parametrize("text", ["", "Да", "a=1", "2026-01-31", "а - б", "анна@example.org"])
def test_harmless_cell_is_unchanged(text: str) -> None:
    assert escape_cell(text) == text


@pytest.mark.parametrize("text", CALCULATED)
async def test_audit_and_faq_exports_escape_cells(text: str) -> None:
    audit_lines = await _audit_csv(text)
    answers = list(csv.reader(io.StringIO(entries_to_csv([_entry(text)]).decode("utf-8-sig"), newline="")))
    for line in (*audit_lines[1:], *answers[1:]):
        assert f"'{text}" in line
        assert all(map(is_text, filter(None, line)))


@given(CELLS)
def test_audit_export_escapes_any_text(text: str) -> None:
    header, line = asyncio.run(_audit_csv(text))
    assert all(map(is_text, filter(None, line)))
    assert [unescape_cell(cell) for cell in line][header.index("details")] == text


async def _audit_csv(text: str) -> list[list[str]]:
    async def events() -> AsyncIterator[AuditRecord]:
        yield AuditRecord(1, AuditEvent(text, text, text, text, text, text), "")

    data = b"".join([line async for line in stream_csv(events())])
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def _entry(text: str) -> FaqEntry:
    return FaqEntry(question=f"{text} вопрос", answer=text, keywords=(text,))
