"""What goes into a table never comes out as a formula, and is read back as it was."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.administration.audit.audit_log import AuditEvent, AuditRecord
from deployments.administration.faq.files import entries_to_csv
from deployments.administration.office.csv_cells import escape_cell, unescape_cell
from deployments.api.admin.audit.export import stream_csv
from deployments.contracts.settings import FaqEntry

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
    """Whether every spreadsheet takes ``cell`` for text."""
    return not cell.startswith(("\t", "\r", "\n")) and cell.lstrip()[:1] not in tuple("=+-@＝＋－＠")


@given(CELLS)
def test_no_cell_is_calculated_and_each_is_read_back(text: str) -> None:
    cell = escape_cell(text)
    assert is_text(cell) or cell == "", cell
    assert unescape_cell(cell) == text


@pytest.mark.parametrize("text", ["", "Да", "a=1", "2026-01-31", "а - б", "анна@example.org"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert escape_cell(text) == text


@pytest.mark.parametrize("text", CALCULATED)
async def test_the_audit_trail_and_the_prepared_answers_have_one_guard(text: str) -> None:
    trail = await _trail(text)
    answers = list(csv.reader(io.StringIO(entries_to_csv([_entry(text)]).decode("utf-8-sig"), newline="")))
    for line in (*trail[1:], *answers[1:]):
        assert f"'{text}" in line
        assert all(map(is_text, filter(None, line)))


@given(CELLS)
def test_no_line_of_the_audit_trail_holds_a_formula(text: str) -> None:
    header, line = asyncio.run(_trail(text))
    assert all(map(is_text, filter(None, line)))
    assert [unescape_cell(cell) for cell in line][header.index("details")] == text


async def _trail(text: str) -> list[list[str]]:
    async def events() -> AsyncIterator[AuditRecord]:
        yield AuditRecord(1, AuditEvent(text, text, text, text, text, text), "")

    data = b"".join([line async for line in stream_csv(events())])
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def _entry(text: str) -> FaqEntry:
    return FaqEntry(question=f"{text} вопрос", answer=text, keywords=(text,))
