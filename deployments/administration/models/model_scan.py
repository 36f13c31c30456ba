"""Scans the installed models: reads every byte and compares it with the manifests."""

import asyncio
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.models.views import JobState, ScanFinding, ScanStatus
from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import Conflict, Unavailable
from deployments.models.removal import directory_bytes, model_directory_names
from deployments.models.store import ModelManifest, ModelStore
from deployments.models.verification import FileDigest

log = logging.getLogger(__name__)


class _ScanCancelled(Exception):
    pass


class ModelScan:
    """Runs one scan at a time in a thread. ``cancel`` takes effect after at most 1 MiB."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._status = ScanStatus()
        self._cancel = threading.Event()
        self._threads = DedicatedThreadPool("scan")
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> ScanStatus:
        """Starts a scan. Raises Conflict while one is running, and Unavailable while the office closes."""
        if self._closed:
            raise Unavailable("the office is closing")
        if self._task is not None and not self._task.done():
            raise Conflict("a scan is running; wait for it or cancel it")
        self._cancel = threading.Event()
        self._status = ScanStatus(state="running", started_at=datetime.now(UTC))
        self._task = asyncio.create_task(self._run(self._cancel), name="scan of models")
        return self._status

    def cancel(self) -> ScanStatus:
        """Cancels the scan, if one is running."""
        self._cancel.set()
        return self._status

    def status(self) -> ScanStatus:
        return self._status

    async def close(self) -> None:
        self._closed = True
        self._cancel.set()
        if self._task:
            await asyncio.gather(self._task, return_exceptions=True)
        self._threads.close()

    async def _run(self, cancel: threading.Event) -> None:
        try:
            await self._threads.run(lambda: self._scan(cancel))
        except _ScanCancelled:
            self._end("cancelled")
        except OSError as error:
            self._end("failed", f"disk error: {error.strerror}")
        except Exception as error:
            log.exception("a scan of models failed at %s", self._status.current)
            self._end("failed", f"{self._status.current} cannot be read ({type(error).__name__})")
        else:
            self._end("finished")

    def _end(self, state: JobState, error: str | None = None) -> None:
        self._update(state=state, error=error, current="", ended_at=datetime.now(UTC))

    def _update(self, **fields: object) -> None:
        self._status = self._status.model_copy(update=fields)

    def _scan(self, cancel: threading.Event) -> None:
        sizes = {each: directory_bytes(self._store.directory(each)) for each in model_directory_names(self._store)}
        self._update(total=sum(sizes.values()))
        for model_id, size in sizes.items():
            self._update(current=model_id)
            self._advance(0, cancel)
            before = self._status.done
            finding = self._scan_model(model_id, size, cancel)
            self._update(findings=(*self._status.findings, finding), done=before + size)

    def _scan_model(self, model_id: str, size: int, cancel: threading.Event) -> ScanFinding:
        manifest = self._store.manifest(model_id)
        if not self._store.is_installed(model_id):
            return self._incomplete_finding(model_id, size, manifest)
        if manifest is None:
            return ScanFinding(
                id=model_id, status="whole", size=size, detail="only sizes were checked; it has no manifest"
            )
        try:
            damaged = self._damaged_files(self._store.directory(model_id), manifest, cancel)
        except FileNotFoundError:
            return self._incomplete_finding(model_id, size, manifest)
        detail = f"contents differ: {', '.join(damaged)}" if damaged else ""
        return ScanFinding(id=model_id, status="damaged" if damaged else "whole", size=size, detail=detail)

    def _incomplete_finding(self, model_id: str, size: int, manifest: ModelManifest | None) -> ScanFinding:
        if not self._store.directory(model_id).is_dir():
            return ScanFinding(id=model_id, status="gone", size=0, detail="it was deleted during the scan")
        if manifest is None:
            return ScanFinding(id=model_id, status="unknown", size=size, detail="no manifest")
        return ScanFinding(id=model_id, status="incomplete", size=size, detail="files are missing or truncated")

    def _damaged_files(self, directory: Path, manifest: ModelManifest, cancel: threading.Event) -> list[str]:
        damaged = []
        for file in manifest.files:
            meter = FileDigest()
            meter.update_from_file(directory / file.path, lambda count: self._advance(count, cancel))
            if meter.sha256 != file.sha256:
                damaged.append(file.path)
        return damaged

    def _advance(self, count: int, cancel: threading.Event) -> None:
        if cancel.is_set():
            raise _ScanCancelled
        self._update(done=self._status.done + count)
