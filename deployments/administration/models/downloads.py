"""Downloads models, one at a time and in a thread, with progress per file. A download stops with the office."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from deployments.administration.models.views import DownloadStatus, FileProgress, JobState
from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import Conflict, Unavailable
from deployments.models.catalogue import CatalogueModel
from deployments.models.errors import PullCancelled, PullFailed
from deployments.models.model_pull import pull_model
from deployments.models.progress import ProgressListener
from deployments.models.source_fetcher import SourceFetcher
from deployments.models.store import ModelManifest, ModelStore
from deployments.models.web_access import ModelWebAccess

_MAX_NOTES, _MAX_FILES = 20, 200

PullModel = Callable[[CatalogueModel, ModelStore, ProgressListener, threading.Event], ModelManifest]
FindModel = Callable[[], CatalogueModel]


def build_puller(web: ModelWebAccess) -> PullModel:
    """Returns a function that downloads a model from its sources, in their order. Its callers have made sure that the
    licence is accepted."""
    fetcher = SourceFetcher(web)

    def pull(
        model: CatalogueModel, store: ModelStore, progress: ProgressListener, cancel: threading.Event
    ) -> ModelManifest:
        return pull_model(model, store, fetcher, listener=progress, licence_accepted=True, cancel=cancel)

    return pull


class DownloadProgress:
    """A progress listener that can be read from another thread."""

    def __init__(self, model_id: str, size: int | None) -> None:
        self._lock = threading.Lock()
        self._status = DownloadStatus(state="running", model_id=model_id, total=size, started_at=datetime.now(UTC))
        self._files: dict[str, FileProgress] = {}

    def on_source(self, model_id: str, source: str) -> None:
        with self._lock:
            self._files = {}
            self._status = self._status.model_copy(update={"source": source})

    def on_file(self, model_id: str, path: str, total: int | None) -> None:
        with self._lock:
            if path in self._files or len(self._files) < _MAX_FILES:
                self._files[path] = FileProgress(path=path, done=0, total=total)

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        with self._lock:
            if path in self._files:
                self._files[path] = FileProgress(path=path, done=done, total=self._files[path].total)

    def on_note(self, model_id: str, text: str) -> None:
        with self._lock:
            self._status = self._status.model_copy(update={"notes": (*self._status.notes, text)[-_MAX_NOTES:]})

    def on_finished(self, model_id: str) -> None:
        """Does nothing: ``end`` sets the final state."""

    def set_model(self, model: CatalogueModel) -> None:
        with self._lock:
            self._status = self._status.model_copy(update={"model_id": model.id, "total": model.size})

    def end(self, state: JobState, error: str | None = None) -> None:
        with self._lock:
            update = {"state": state, "error": error, "ended_at": datetime.now(UTC)}
            self._status = self._status.model_copy(update=update)

    def read(self) -> DownloadStatus:
        with self._lock:
            files = tuple(self._files.values())
            return self._status.model_copy(update={"files": files, "done": sum(file.done for file in files)})


class Downloads:
    """Runs one download at a time. ``start`` returns at once, ``status`` reports progress, ``close`` stops it and
    rejects further ones."""

    def __init__(self, store: ModelStore, pull_model: PullModel) -> None:
        self._store = store
        self._pull_model = pull_model
        self._progress: DownloadProgress | None = None
        self._cancel = threading.Event()
        self._threads = DedicatedThreadPool("download")
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def require_idle(self) -> None:
        """Raises Conflict while a download is running, and Unavailable while the office closes."""
        if self._closed:
            raise Unavailable("the office is closing")
        if self._task is not None and not self._task.done():
            raise Conflict(f"{self.status().model_id} is being downloaded; wait for it or cancel it")

    def start(self, label: str, find: FindModel) -> DownloadStatus:
        """Starts the download of the model that ``find`` returns; ``find`` runs in the thread. Raises as
        ``require_idle`` does."""
        self.require_idle()
        self._cancel = threading.Event()
        self._progress = DownloadProgress(label, None)
        self._task = asyncio.create_task(self._run(find, self._progress, self._cancel), name=f"download of {label}")
        return self.status()

    def cancel(self) -> DownloadStatus:
        """Cancels the download, if one is running. Downloaded data is kept for the next one."""
        self._cancel.set()
        return self.status()

    def status(self) -> DownloadStatus:
        return self._progress.read() if self._progress else DownloadStatus()

    async def close(self) -> None:
        self._closed = True
        self._cancel.set()
        if self._task:
            await asyncio.gather(self._task, return_exceptions=True)
        self._threads.close()

    async def _run(self, find: FindModel, progress: DownloadProgress, cancel: threading.Event) -> None:
        def work() -> None:
            model = find()
            progress.set_model(model)
            self._pull_model(model, self._store, progress, cancel)

        try:
            await self._threads.run(work)
        except PullCancelled as error:
            progress.end("cancelled", str(error))
        except PullFailed as error:
            progress.end("failed", str(error))
        except OSError as error:
            progress.end("failed", f"disk error: {error.strerror}")
        except BaseException as error:
            progress.end("failed", f"{type(error).__name__}")
            raise
        else:
            progress.end("finished")
