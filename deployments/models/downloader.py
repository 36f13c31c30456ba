"""Downloads a file over HTTP with resumption by range requests (RFC 9110 section 14: Range, If-Range)."""

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
_MAX_ATTEMPTS = 5


@contextmanager
def translate_disk_errors(path: Path) -> Iterator[None]:
    """Raises DiskFull for an OSError of a full disk, a quota or a file size limit."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFull(f"no space left for {path}; the downloaded part is kept") from error
        raise


class Downloader:
    """Downloads files with one HTTP client and resumes after a broken connection.

    Gives up after ``_MAX_ATTEMPTS`` consecutive attempts without a new byte. ``sleep`` waits between attempts, in
    seconds.
    """

    def __init__(self, client: BlockingClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def fetch(
        self, url: str, target: Path, expected: ExpectedFile, progress: PullProgress, key: OriginKey | None = None
    ) -> InstalledFile:
        """Downloads ``url`` to ``target``. Continues the file ``target.part`` of an earlier download.

        A continued file that does not match is downloaded again from the start. Raises SourceFailed, FileMismatch,
        DiskFull.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        resumed = part.exists()
        try:
            digest = self._download(url, part, expected, progress, key)
            installed = verify_file(expected, digest, part)
        except FileMismatch:
            _delete_part(part)
            if not resumed:
                raise
            progress.note(f"{expected.path}: the part of an earlier pull does not match; starting again")
            return self.fetch(url, target, expected, progress, key)
        part.replace(target)
        _validator_path(part).unlink(missing_ok=True)
        return installed

    def _download(
        self, url: str, part: Path, expected: ExpectedFile, progress: PullProgress, key: OriginKey | None
    ) -> FileDigest:
        stalled = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._attempt(url, part, expected, progress, key)
            except SecretaryError as error:
                grown = part.exists() and part.stat().st_size > before
                stalled = 0 if grown else stalled + 1
                give_up = stalled >= _MAX_ATTEMPTS or (stalled and isinstance(error, UpstreamUnreachable))
                if give_up or not error.retryable:
                    raise SourceFailed(error.message) from error
                progress.note(f"{expected.path}: connection lost ({error.message}); continuing")
                self._sleep(min(2.0**stalled * 0.5, 10.0))

    def _attempt(
        self, url: str, part: Path, expected: ExpectedFile, progress: PullProgress, key: OriginKey | None
    ) -> FileDigest:
        """Sends one request that continues ``part``. Returns the digest of the whole file."""
        digest = FileDigest()
        if part.exists():
            digest.update_from_file(part, lambda _: progress.raise_if_cancelled())
        if expected.size is not None and digest.size >= expected.size:
            return digest
        with self._client.stream(url, headers=_range(part, digest.size), key=key) as response:
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and digest.size:
                return digest
            _raise_for_status(url, response)
            if not _continues(response, digest.size):
                digest = FileDigest()
            _store_validator(part, response)
            progress.start_file(expected.path, _total(response, digest.size) or expected.size)
            progress.advance(expected.path, digest.size)
            self._append(response, part, digest, expected, progress)
        return digest

    def _append(
        self, response: StreamedResponse, part: Path, digest: FileDigest, expected: ExpectedFile, progress: PullProgress
    ) -> None:
        with translate_disk_errors(part), part.open("ab" if digest.size else "wb") as file:
            for data in response.chunks:  # unbuffered, so that nothing is lost when the connection breaks
                file.write(data)
                digest.update(data)
                if expected.size is not None and digest.size > expected.size:
                    raise FileMismatch(f"{expected.path} is longer than {expected.size} bytes")
                progress.advance(expected.path, digest.size)


def _validator_path(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _delete_part(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_path(part).unlink(missing_ok=True)


def _store_validator(part: Path, response: StreamedResponse) -> None:
    """Stores a strong validator for If-Range, which detects a changed file."""
    etag = response.headers.get("etag", "")
    if etag.startswith('"'):
        _validator_path(part).write_text(etag, encoding="ascii")
    else:
        _validator_path(part).unlink(missing_ok=True)


def _range(part: Path, size: int) -> dict[str, str]:
    if not size:
        return {}
    headers = {"range": f"bytes={size}-"}
    if _validator_path(part).exists():
        headers["if-range"] = _validator_path(part).read_text(encoding="ascii")
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
            f"{host} refuses {url} ({status}): for a gated model accept its licence on the hub and set HF_TOKEN"
        )
    if status == 404:
        raise SourceFailed(f"{host} does not have {url} (404)")
    if status == 429 or status >= 500:
        raise Unavailable(f"{host} answered {status}")
    if status not in (200, 206):
        raise SourceFailed(f"{host} answered {status} for {url}")
