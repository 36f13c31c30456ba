"""Bringing a model to the store: sources in order, resumable, verified, and visible only when whole.

<root>/.partial/<id>/files/…     grows; ``.part`` files are continued by the next pull
<root>/.partial/<id>/archives/…  wheels and zips on the way
<root>/<id>/                     one rename, after every file and the manifest are on disk
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from deployments.models.catalogue import CatalogueModel, ModelSource
from deployments.models.downloader import translate_disk_errors
from deployments.models.errors import DiskFull, FileMismatch, PullBusy, PullFailed, SourceFailed
from deployments.models.progress import NullProgressListener, ProgressListener, PullProgress
from deployments.models.source_fetcher import FetchedModel, SourceFetcher
from deployments.models.store import MANIFEST_NAME, InstalledFile, ModelManifest, ModelStore
from deployments.models.verification import ExpectedFile, FileDigest, verify_file

_SPARE = 64 << 20  # bytes that stay free on the file system


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


def pull_model(
    model: CatalogueModel,
    store: ModelStore,
    fetcher: SourceFetcher,
    sources: tuple[str, ...] = (),
    listener: ProgressListener | None = None,
    *,
    cancel: Event | None = None,
    read_free_bytes: Callable[[Path], int] = free_bytes,
) -> ModelManifest:
    """Brings ``model`` into ``store`` and returns its manifest; files that are already there are only verified.

    ``sources`` limits and orders the kinds that are tried (package, https, hf); empty means the catalogue's order.
    Blocking: call it from a thread. Raises SourceFailed when no source could bring the files (its text says why, for
    each), DiskFull, PullBusy, and PullCancelled once ``cancel`` is set. What has arrived stays and is continued by
    the next pull, also after Ctrl-C.
    """
    watch = PullProgress(model.id, listener or NullProgressListener(), cancel or Event())
    chosen = _chosen(model, sources)
    partial = store.partial_directory(model.id)
    with translate_disk_errors(partial), lock_model(partial, model.id):
        manifest = _already_there(model, store, watch)
        if manifest is None:
            _check_space(model, partial, read_free_bytes)
            manifest = _try_sources(model, store, chosen, fetcher, watch)
            shutil.rmtree(partial, ignore_errors=True)
    watch.listener.on_finished(model.id)
    return manifest


def _chosen(model: CatalogueModel, names: tuple[str, ...]) -> tuple[ModelSource, ...]:
    if not names:
        return model.sources
    chosen = tuple(source for name in names for source in model.sources if source.name == name)
    if not chosen:
        known = ", ".join(s.name for s in model.sources)
        raise SourceFailed(f"{model.id} has no source {' or '.join(names)}; it has {known}")
    return chosen


@contextmanager
def lock_model(partial: Path, model_id: str) -> Iterator[None]:
    """Holds an advisory lock that the system drops when the process dies (flock(2))."""
    partial.mkdir(parents=True, exist_ok=True)
    with (partial.parent / f"{model_id}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullBusy(f"{model_id} is being pulled by another process") from None
        yield


def _already_there(model: CatalogueModel, store: ModelStore, watch: PullProgress) -> ModelManifest | None:
    """The manifest of an installed model; files that came without one are hashed and given one."""
    if not store.is_installed(model.id):
        return None
    manifest = store.manifest(model.id)
    if manifest is not None:
        return manifest
    directory = store.directory(model.id)
    for source in model.sources:
        try:
            files = tuple(_measured(directory, ExpectedFile.from_catalogue(f), watch) for f in model.files_from(source))
        except (OSError, FileMismatch) as error:
            watch.note(f"the files in {directory} are not the {source.name} build: {error}")
            continue
        return _write_manifest(model, directory, source.name, FetchedModel(model.revision, files))
    return None


def _measured(directory: Path, expected: ExpectedFile, watch: PullProgress) -> InstalledFile:
    meter = FileDigest()
    meter.update_from_file(directory / expected.path, lambda _: watch.raise_if_cancelled())
    return verify_file(expected, meter, directory / expected.path)


def _check_space(model: CatalogueModel, partial: Path, free: Callable[[Path], int]) -> None:
    """Asks for the whole size once more where an archive lies beside the files unpacked from it."""
    unpacked = any(s.package is not None or (s.https is not None and s.https.archive) for s in model.sources)
    arrived = sum(f.stat().st_size for f in partial.rglob("*") if f.is_file())
    needed = model.size * (2 if unpacked else 1) + _SPARE - arrived
    available = free(partial)
    if available < needed:
        raise DiskFull(
            f"{model.id} needs {needed / 1e9:.2f} GB in {partial.parent.parent}, {available / 1e9:.2f} GB are free"
        )


def _try_sources(
    model: CatalogueModel,
    store: ModelStore,
    sources: tuple[ModelSource, ...],
    fetcher: SourceFetcher,
    watch: PullProgress,
) -> ModelManifest:
    reasons: list[str] = []
    for index, source in enumerate(sources):
        watch.listener.on_source(model.id, source.name)
        folder = store.partial_directory(model.id) / f"{index}-{source.name}"
        try:
            brought = fetcher.fetch(model, source, folder / "files", folder / "archives", watch)
        except SourceFailed as error:
            reasons.append(f"{source.name}: {error}")
            watch.note(reasons[-1])
            continue
        return _publish(model, store, folder / "files", source.name, brought)
    raise SourceFailed(f"{model.id} could not be pulled. " + " ".join(f"[{reason}]" for reason in reasons))


def _publish(
    model: CatalogueModel, store: ModelStore, folder: Path, source: str, brought: FetchedModel
) -> ModelManifest:
    manifest = _write_manifest(model, folder, source, brought)
    _sync(folder)
    target, old = store.directory(model.id), store.partial_directory(model.id) / "replaced"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    folder.rename(target)
    _sync_directory(store.root)
    return manifest


def _write_manifest(model: CatalogueModel, folder: Path, source: str, brought: FetchedModel) -> ModelManifest:
    manifest = ModelManifest(
        id=model.id, revision=brought.revision, source=source, files=brought.files, installed_at=datetime.now(UTC)
    )
    fresh = folder / f".{MANIFEST_NAME}"
    fresh.write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    fresh.replace(folder / MANIFEST_NAME)
    return manifest


def _sync(folder: Path) -> None:
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


__all__ = ["PullFailed", "lock_model", "pull_model"]
