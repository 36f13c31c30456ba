"""Reads an FAQ file in a worker process (``deployments.isolation``): a small JSON file can need gigabytes.

``{"kind": "json" or "csv", "file": …}`` is the header of a call; ``file`` refers to a memory file. Items are batches of
rows as JSON: with ``{"rows": "valid"}`` pairs of a line and the fields of a draft, with ``{"rows": "rejected"}`` of a
line, an error and its field.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import orjson

from deployments.administration.faq.files import read_import_rows
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.memory_file import MemoryFileReference
from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler, ItemSender

_BATCH = 500
T = TypeVar("T")


def open_reader(_: Header) -> Handler:
    return answer


def answer(header: Header, _: bytes, sender: ItemSender) -> None:
    """Refuses the call with the code and the message of InvalidRequest or TooLarge."""
    try:
        rows, rejected = read_import_rows(MemoryFileReference.from_fields(header["file"]).read(), str(header["kind"]))
    except (InvalidRequest, TooLarge) as error:
        raise CallError(error.code, error.message) from error
    for valid in _batches(rows):
        fields = [(row.line, row.draft.model_dump(exclude_unset=True)) for row in valid]
        sender.put({"rows": "valid"}, orjson.dumps(fields))
    for invalid in _batches(rejected):
        sender.put({"rows": "rejected"}, orjson.dumps([(row.line, row.error, row.field) for row in invalid]))


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
