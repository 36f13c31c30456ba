"""One file over HTTP into one path, resumable: RFC 9110 section 14 (Range, If-Range), hashed while it streams."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deployments.models.errors import DiskFull, Mismatch, SourceFailed
from deployments.models.progress import Watch
from deployments.models.store import InstalledFile
from deployments.models.verify import Expected, Meter, check

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TRIES = 5


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
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

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def fetch(
        self, url: str, target: Path, expected: Expected, watch: Watch, headers: dict[str, str] | None = None
    ) -> InstalledFile:
        """Brings ``url`` to ``target``; an earlier part of it in ``target.part`` is continued.

        Raises SourceFailed (unreachable, refused), Mismatch (wrong bytes, after one try from the start) and DiskFull.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        resumed = part.exists()
        try:
            meter = self._stream(url, part, expected, watch, headers or {})
            done = check(expected, meter, part)
        except Mismatch:
            _forget(part)
            if not resumed:
                raise
            watch.note(f"{expected.path}: the part kept from an earlier pull does not fit, starting anew")
            return self.fetch(url, target, expected, watch, headers)
        part.replace(target)
        _validator(part).unlink(missing_ok=True)
        return done

    def _stream(self, url: str, part: Path, expected: Expected, watch: Watch, headers: dict[str, str]) -> Meter:
        stalled = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._attempt(url, part, expected, watch, headers)
            except httpx.TransportError as error:
                grown = part.exists() and part.stat().st_size > before
                stalled = 0 if grown else stalled + 1
                if stalled >= _TRIES or (stalled and isinstance(error, httpx.ConnectError)):
                    raise SourceFailed(f"{_host(url)} cannot be reached: {describe(error)}") from error
                watch.note(f"{expected.path}: connection lost ({describe(error)}), going on")
                self._sleep(min(2.0**stalled * 0.5, 10.0))

    def _attempt(self, url: str, part: Path, expected: Expected, watch: Watch, headers: dict[str, str]) -> Meter:
        """One request: continues ``part`` where it ends, and returns the meter over the whole file."""
        meter = Meter()
        if part.exists():
            meter.feed_file(part, lambda _: watch.check())
        if expected.size is not None and meter.size >= expected.size:
            return meter
        with self._client.stream("GET", url, headers={**headers, **_range(part, meter.size)}) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and meter.size:
                return meter
            _raise_for_status(url, response)
            if not _continues(response, meter.size):
                meter = Meter()
            _remember(part, response)
            watch.file(expected.path, _total(response, meter.size) or expected.size)
            watch.advanced(expected.path, meter.size)
            self._append(response, part, meter, expected, watch)
        return meter

    def _append(self, response: httpx.Response, part: Path, meter: Meter, expected: Expected, watch: Watch) -> None:
        with disk_errors(part), part.open("ab" if meter.size else "wb") as file:
            for data in response.iter_raw():  # as it arrives: a block size would lose what came before a break
                file.write(data)
                meter.feed(data)
                if expected.size is not None and meter.size > expected.size:
                    raise Mismatch(f"{expected.path} is longer than {expected.size} bytes")
                watch.advanced(expected.path, meter.size)


def describe(error: Exception) -> str:
    """Short reason; some transport errors have an empty text."""
    return str(error) or type(error).__name__


def _host(url: str) -> str:
    return httpx.URL(url).host


def _validator(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _remember(part: Path, response: httpx.Response) -> None:
    """Keeps the strong validator, so that a later If-Range notices a changed file."""
    etag = response.headers.get("etag", "")
    if etag.startswith('"'):
        _validator(part).write_text(etag, encoding="ascii")
    else:
        _validator(part).unlink(missing_ok=True)


def _range(part: Path, size: int) -> dict[str, str]:
    headers = {"accept-encoding": "identity"}
    if size:
        headers["range"] = f"bytes={size}-"
        if _validator(part).exists():
            headers["if-range"] = _validator(part).read_text(encoding="ascii")
    return headers


def _continues(response: httpx.Response, offset: int) -> bool:
    content_range: str = response.headers.get("content-range", "")
    return bool(offset) and response.status_code == 206 and content_range.startswith(f"bytes {offset}-")


def _total(response: httpx.Response, offset: int) -> int | None:
    length: str = response.headers.get("content-length", "")
    return offset + int(length) if length.isdigit() else None


def _raise_for_status(url: str, response: httpx.Response) -> None:
    status = response.status_code
    if status in (401, 403):
        raise SourceFailed(
            f"{_host(url)} refuses {url} ({status}): a gated model wants its licence accepted on the "
            "hub and a token in HF_TOKEN"
        )
    if status == 404:
        raise SourceFailed(f"{_host(url)} does not have {url} (404)")
    if status == 429 or status >= 500:
        raise httpx.RemoteProtocolError(f"HTTP {status}")
    if status not in (200, 206):
        raise SourceFailed(f"{_host(url)} answered {status} for {url}")
