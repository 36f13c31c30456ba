"""Reads an uploaded FAQ file; a large one outside the process of the office."""

import asyncio
from typing import Literal

import orjson

from deployments.administration.faq.files import ImportRow, RejectedRow, read_import_rows
from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import InvalidRequest, SecretaryError, TooLarge, Unavailable
from deployments.contracts.memory_file import MemoryFile, MemoryFileReference
from deployments.contracts.streams import Closing
from deployments.isolation.errors import CallRefused, WorkerError, WorkerNotStarted
from deployments.isolation.spec import WorkerLimits, WorkerSpec
from deployments.isolation.worker_process import WorkerProcess

_TARGET = "deployments.administration.faq.import_worker:open_reader"
FileKind = Literal["json", "csv"]
_PART_BYTES = 64 * 1024
_MEBIBYTE = 1 << 20
_SMALL_BYTES = 256 * 1024
"""A file of this size needs a few megabytes at most."""
_MAX_BYTES = 10 * _MEBIBYTE
"""20,000 rows of 500 bytes. The worker grows by 14 times the file."""
_BASE_MB, _MB_PER_MB = 160, 14
"""Address space of the worker: of its libraries, and for each megabyte of an honest file."""
_CPU_S, _DEADLINE_S = 20, 120.0
_ERRORS: dict[str, type[SecretaryError]] = {error.code: error for error in (InvalidRequest, TooLarge)}


def file_kind(file: MemoryFile, *, csv: bool = False) -> FileKind:
    """The kind of ``file`` by its first character; ``csv``: the sender calls it one. Raises InvalidRequest for an empty
    file."""
    file.seek(0)
    parts = (part.lstrip(b"\xef\xbb\xbf \t\r\n") for part in iter(lambda: file.read(_PART_BYTES), b""))
    start = next((part[:1] for part in parts if part), b"")
    if not start:
        raise InvalidRequest("The file is empty.", param="file")
    return "csv" if csv or start not in (b"{", b"[") else "json"


class FaqFileReader:
    """Reads one large file at a time, each in a worker process of its own."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def read(self, file: MemoryFile, kind: str) -> tuple[tuple[ImportRow, ...], tuple[RejectedRow, ...]]:
        """The rows of a file of ``kind`` (json or csv).

        Raises InvalidRequest for an invalid file and for one that needs too much memory or time, TooLarge for more than
        10 MiB or 20,000 rows, Unavailable.
        """
        if file.size > _MAX_BYTES:
            raise TooLarge(f"an FAQ file has at most {_MAX_BYTES >> 20} MiB", param="file")
        if file.size <= _SMALL_BYTES:
            return await asyncio.to_thread(read_import_rows, file.reference.read(), kind)
        async with self._turn:
            try:
                return await _read_in_worker(file.reference, kind)
            except WorkerError as error:
                raise _to_secretary_error(error) from error


async def _read_in_worker(
    file: MemoryFileReference, kind: str
) -> tuple[tuple[ImportRow, ...], tuple[RejectedRow, ...]]:
    limits = WorkerLimits(_BASE_MB + _MB_PER_MB * (file.size // _MEBIBYTE + 1), _CPU_S)
    worker = WorkerProcess(WorkerSpec("faq file reader", _TARGET, limits=limits))
    await worker.start()
    try:
        return await _read(worker, file, kind)
    finally:
        await worker.stop()


async def _read(
    worker: WorkerProcess, file: MemoryFileReference, kind: str
) -> tuple[tuple[ImportRow, ...], tuple[RejectedRow, ...]]:
    rows: list[ImportRow] = []
    rejected: list[RejectedRow] = []
    call = worker.call({"kind": kind, "file": file.to_fields()}, deadline_s=_DEADLINE_S)
    async with Closing(call) as items:
        async for header, body in items:
            if header["rows"] == "valid":
                rows += await asyncio.to_thread(_drafts, body)
            else:
                rejected += [RejectedRow(*row) for row in orjson.loads(body)]
    return tuple(rows), tuple(rejected)


def _drafts(body: bytes) -> list[ImportRow]:
    return [ImportRow(line, FaqDraft.model_validate(fields)) for line, fields in orjson.loads(body)]


def _to_secretary_error(error: WorkerError) -> SecretaryError:
    if isinstance(error, CallRefused):
        return _ERRORS.get(error.code, InvalidRequest)(error.message or "the file cannot be read", param="file")
    if isinstance(error, WorkerNotStarted):
        return Unavailable("the reader of files does not start; try again in a moment", retry_after_s=5)
    return InvalidRequest("the file needs too much memory or time to be read", param="file")
