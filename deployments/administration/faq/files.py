"""FAQ entries as JSON or CSV files. A written file is read back without a difference.

In CSV, alternatives and keywords are separated by ``|``; ``\\|`` and ``\\\\`` escape ``|`` and the backslash.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from deployments.administration.faq.service import MAX_FAQ_ENTRIES, FaqDraft
from deployments.administration.office.csv_cells import escape_cell, unescape_cell
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.faq_entry import FaqEntry

_COLUMNS = ("question", "answer", "alternatives", "keywords", "language", "enabled", "topic")
_LEGACY_NAMES = {"trigger": "question", "response": "answer"}
_LISTS = frozenset(("alternatives", "keywords"))
_ITEM = re.compile(r"(?:\\.|[^|\\]|\\$)+", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\|])")
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([,;\t|])\"?[,;\t| ]*+\r?\n", re.IGNORECASE)
"""The first line that Excel writes and reads to name the separator."""
_BOOLEANS = {"true": True, "1": True, "yes": True, "да": True, "": True, "false": False, "0": False, "no": False}
_BOOLEANS["нет"] = False


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be imported, and why. ``line`` is 1-based: a line of a CSV file, an entry of a JSON file.
    ``field`` is the one that is wrong, "" for the whole row."""

    line: int
    error: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row that can be imported."""

    line: int
    draft: FaqDraft


def entries_to_json(entries: Iterable[FaqEntry]) -> bytes:
    """``{"entries": [...]}``, indented."""
    listed = [entry.model_dump(include=set(_COLUMNS)) for entry in entries]
    return orjson.dumps({"entries": listed}, option=orjson.OPT_INDENT_2)


def entries_to_csv(entries: Iterable[FaqEntry]) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheet programs need to detect the encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for entry in entries:
        writer.writerow([escape_cell(_cell(getattr(entry, name))) for name in _COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def read_import_rows(data: bytes, kind: str) -> tuple[tuple[ImportRow, ...], tuple[RejectedRow, ...]]:
    """Parses a file of ``kind`` (json or csv). Raises InvalidRequest for an invalid file, TooLarge for more than 20,000
    rows."""
    rows: list[ImportRow] = []
    rejected: list[RejectedRow] = []
    for line, fields in _csv_rows(data) if kind == "csv" else _json_rows(data):
        if len(rows) + len(rejected) >= MAX_FAQ_ENTRIES:
            raise TooLarge(f"at most {MAX_FAQ_ENTRIES} entries at once", param="file")
        try:
            rows.append(ImportRow(line, FaqDraft.model_validate(fields)))
        except ValidationError as error:
            rejected.append(RejectedRow(line, *_reason(error)))
    return tuple(rows), tuple(rejected)


def _json_rows(data: bytes) -> Iterator[tuple[int, object]]:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the file is not valid JSON: {error}", param="file") from None
    return enumerate(_json_entries(content), start=1)


def _json_entries(content: object) -> list[object]:
    """The entries of an exported file, of a plain list, or of a map of questions to answers."""
    entries = content.get("entries", content.get("faq")) if isinstance(content, dict) else content
    if isinstance(entries, dict):
        return [{"question": question, "answer": answer} for question, answer in entries.items()]
    if not isinstance(entries, list):
        raise InvalidRequest('expected {"entries": [...]}, a list of entries or {"faq": {...}}', param="file")
    return [_renamed(entry) if isinstance(entry, dict) else entry for entry in entries]


def _csv_rows(data: bytes) -> Iterator[tuple[int, object]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("the file is not UTF-8 text; save it as CSV UTF-8", param="file") from None
    declared = _SEPARATOR_LINE.match(text)
    skipped = declared.end() if declared else 0
    delimiter = declared[1] if declared else _delimiter(text)
    reader = csv.reader(io.StringIO(text[skipped:], newline=""), delimiter=delimiter, strict=True)
    first_line = 1 if declared else 0
    try:
        for line, fields in _read_cells(reader):
            yield first_line + line, fields
    except csv.Error as error:
        raise InvalidRequest(f"line {first_line + reader.line_num} is not CSV: {error}", param="file") from None


def _read_cells(reader: Iterator[list[str]]) -> Iterator[tuple[int, object]]:
    names = [_LEGACY_NAMES.get(name.strip().lower(), name.strip().lower()) for name in next(reader, [])]
    while names and not names[-1]:
        names.pop()
    if not {"question", "answer"} <= set(names) or len(set(names)) != len(names):
        raise InvalidRequest("the first line must name the columns question and answer, each once", param="file")
    for cells in reader:
        line: int = getattr(reader, "line_num", 0)
        if any(cell.strip() for cell in cells):
            yield line, _fields(names, [unescape_cell(cell) for cell in cells])


def _fields(names: list[str], cells: list[str]) -> object:
    """The draft fields of one line. A line with too many cells is returned as a list, which fails validation; empty
    cells at its end do not count."""
    while len(cells) > len(names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(names):
        return cells
    fields: dict[str, object] = dict(zip(names, cells, strict=False))
    for name in _LISTS & fields.keys():
        fields[name] = _split(str(fields[name]))
    if "enabled" in fields:
        fields["enabled"] = _BOOLEANS.get(str(fields["enabled"]).strip().lower(), fields["enabled"])
    if not fields.get("language", "ru"):
        del fields["language"]
    return fields


def _renamed(entry: Mapping[str, object]) -> dict[str, object]:
    return {_LEGACY_NAMES.get(name, name): value for name, value in entry.items()}


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " | ".join(str(each).replace("\\", "\\\\").replace("|", "\\|") for each in value)
    return str(value)


def _split(cell: str) -> list[str]:
    return [_ESCAPED.sub(r"\1", item.strip()) for item in _ITEM.findall(cell) if item.strip()]


def _reason(error: ValidationError) -> tuple[str, str]:
    """The first problem, and its field."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [str(step) for step in problem["loc"]]
    return ": ".join((*steps, problem["msg"])), next(iter(steps), "")
