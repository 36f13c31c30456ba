"""One file over HTTP into one path, resumable: RFC 9110 section 14 (Range, If-Range), hashed while it streams."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.models.errors import DiskFull, FileMismatch, SourceFailed
from deployments.models.progress import PullProgress
from deployments.models.store import InstalledFile
from deployments.models.verification import ExpectedFile, FileDigest, verify_file
from deployments.outbound.blocking import BlockingClient, StreamedResponse
from deployments.outbound.client import OriginKey
from deployments.outbound.transport import UpstreamUnreachable

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TRIES = 5


@contextmanager
def translate_disk_errors(path: Path) -> Iterator[None]:
    """Turns a full disk, quota or file size limit into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFull(f"no space left for {path}; what has arrived is kept") from error
        raise


class Downloader:
    """Fetches files with one HTTP client. A connection that breaks is taken up again where it broke.

    ``sleep`` waits between tries, in seconds; a run of ``_TRIES`` tries without a new byte gives up.
    """

    def __init__(self, client: BlockingClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def fetch(
        self, url: str, target: Path, expected: ExpectedFile, progress: PullProgress, key: OriginKey | None = None
    ) -> InstalledFile:
        """Brings ``url`` to ``target``; an earlier part of it in ``target.part`` is continued.

        Raises SourceFailed (unreachable, refused), Mismatch (wrong bytes, after one try from the start) and DiskFull.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        resumed = part.exists()
        try:
            meter = self._stream(url, part, expected, progress, key)
            done = verify_file(expected, meter, part)
        except FileMismatch:
            _forget(part)
            if not resumed:
                raise
            progress.note(f"{expected.path}: the part kept from an earlier pull does not fit, starting anew")
            return self.fetch(url, target, expected, progress, key)
        part.replace(target)
        _validator(part).unlink(missing_ok=True)
        return done

    def _stream(
        self, url: str, part: Path, expected: ExpectedFile, watch: PullProgress, key: OriginKey | None
    ) -> FileDigest:
        stalled = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._attempt(url, part, expected, watch, key)
            except SecretaryError as error:
                grown = part.exists() and part.stat().st_size > before
                stalled = 0 if grown else stalled + 1
                hopeless = stalled >= _TRIES or (stalled and isinstance(error, UpstreamUnreachable))
                if hopeless or not error.retryable:
                    raise SourceFailed(error.message) from error
                watch.note(f"{expected.path}: connection lost ({error.message}), going on")
                self._sleep(min(2.0**stalled * 0.5, 10.0))

    def _attempt(
        self, url: str, part: Path, expected: ExpectedFile, watch: PullProgress, key: OriginKey | None
    ) -> FileDigest:
        """One request: continues ``part`` where it ends, and returns the meter over the whole file."""
        meter = FileDigest()
        if part.exists():
            meter.update_from_file(part, lambda _: watch.raise_if_cancelled())
        if expected.size is not None and meter.size >= expected.size:
            return meter
        with self._client.stream(url, headers=_range(part, meter.size), key=key) as response:
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and meter.size:
                return meter
            _raise_for_status(url, response)
            if not _continues(response, meter.size):
                meter = FileDigest()
            _remember(part, response)
            watch.start_file(expected.path, _total(response, meter.size) or expected.size)
            watch.advance(expected.path, meter.size)
            self._append(response, part, meter, expected, watch)
        return meter

    def _append(
        self, response: StreamedResponse, part: Path, meter: FileDigest, expected: ExpectedFile, watch: PullProgress
    ) -> None:
        with translate_disk_errors(part), part.open("ab" if meter.size else "wb") as file:
            for data in response.chunks:  # as it arrives: a block size would lose what came before a break
                file.write(data)
                meter.update(data)
                if expected.size is not None and meter.size > expected.size:
                    raise FileMismatch(f"{expected.path} is longer than {expected.size} bytes")
                watch.advance(expected.path, meter.size)


def _validator(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _remember(part: Path, response: StreamedResponse) -> None:
    """Keeps the strong validator, so that a later If-Range notices a changed file."""
    etag = response.headers.get("etag", "")
    if etag.startswith('"'):
        _validator(part).write_text(etag, encoding="ascii")
    else:
        _validator(part).unlink(missing_ok=True)


def _range(part: Path, size: int) -> dict[str, str]:
    if not size:
        return {}
    headers = {"range": f"bytes={size}-"}
    if _validator(part).exists():
        headers["if-range"] = _validator(part).read_text(encoding="ascii")
    return headers


def _continues(response: StreamedResponse, offset: int) -> bool:
    content_range: str = response.headers.get("content-range", "")
    return (
        bool(offset) and response.status == HTTPStatus.PARTIAL_CONTENT and content_range.startswith(f"bytes {offset}-")
    )


def _total(response: StreamedResponse, offset: int) -> int | None:
    length: str = response.headers.get("content-length", "")
    return offset + int(length) if length.isdigit() else None


def _raise_for_status(url: str, response: StreamedResponse) -> None:
    status, host = response.status, urlsplit(url).hostname
    if status in (401, 403):
        raise SourceFailed(
            f"{host} refuses {url} ({status}): a gated model wants its licence accepted on the "
            "hub and a token in HF_TOKEN"
        )
    if status == 404:
        raise SourceFailed(f"{host} does not have {url} (404)")
    if status == 429 or status >= 500:
        raise Unavailable(f"{host} answered {status}")
    if status not in (200, 206):
        raise SourceFailed(f"{host} answered {status} for {url}")
