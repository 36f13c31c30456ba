"""Downloads of models: one at a time, in their own thread, with progress for each file; they end with the office."""

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

_MOST_NOTES, _MOST_FILES = 20, 200

PullModel = Callable[[CatalogueModel, ModelStore, ProgressListener, threading.Event], ModelManifest]
FindModel = Callable[[], CatalogueModel]


def build_puller(web: ModelWebAccess) -> PullModel:
    """Brings models from their sources, in their order."""
    fetcher = SourceFetcher(web)

    def bring(
        model: CatalogueModel, store: ModelStore, progress: ProgressListener, cancel: threading.Event
    ) -> ModelManifest:
        return pull_model(model, store, fetcher, listener=progress, cancel=cancel)

    return bring


class DownloadProgress:
    """A Progress that can be read from another thread."""

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
            if path in self._files or len(self._files) < _MOST_FILES:
                self._files[path] = FileProgress(path=path, done=0, total=total)

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        with self._lock:
            if path in self._files:
                self._files[path] = FileProgress(path=path, done=done, total=self._files[path].total)

    def on_note(self, model_id: str, text: str) -> None:
        with self._lock:
            self._status = self._status.model_copy(update={"notes": (*self._status.notes, text)[-_MOST_NOTES:]})

    def on_finished(self, model_id: str) -> None:
        """The end is told by ``end``, which knows how it came."""

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
    """``start`` returns at once; ``status`` tells how far it is; ``close`` ends it and refuses further ones."""

    def __init__(self, store: ModelStore, pull_model: PullModel) -> None:
        self._store = store
        self._bring = pull_model
        self._board: DownloadProgress | None = None
        self._cancel = threading.Event()
        self._threads = DedicatedThreadPool("download")
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def require_idle(self) -> None:
        """Raises Conflict while a download is under way, Unavailable when the office is closing."""
        if self._closed:
            raise Unavailable("the office is closing")
        if self._task is not None and not self._task.done():
            raise Conflict(f"{self.status().model_id} is being downloaded; wait for it or cancel it")

    def start(self, label: str, find: FindModel) -> DownloadStatus:
        """Downloads what ``find`` says, which runs in the thread as well. Raises as ``require_free`` does."""
        self.require_idle()
        self._cancel = threading.Event()
        self._board = DownloadProgress(label, None)
        self._task = asyncio.create_task(self._run(find, self._board, self._cancel), name=f"download of {label}")
        return self.status()

    def cancel(self) -> DownloadStatus:
        """Asks the download to stop; what has arrived is kept for the next one. Harmless when there is none."""
        self._cancel.set()
        return self.status()

    def status(self) -> DownloadStatus:
        return self._board.read() if self._board else DownloadStatus()

    async def close(self) -> None:
        self._closed = True
        self._cancel.set()
        if self._task:
            await asyncio.gather(self._task, return_exceptions=True)
        self._threads.close()

    async def _run(self, find: FindModel, board: DownloadProgress, cancel: threading.Event) -> None:
        def work() -> None:
            model = find()
            board.set_model(model)
            self._bring(model, self._store, board, cancel)

        try:
            await self._threads.run(work)
        except PullCancelled as error:
            board.end("cancelled", str(error))
        except PullFailed as error:
            board.end("failed", str(error))
        except OSError as error:
            board.end("failed", f"the disk refuses: {error.strerror}")
        except BaseException as error:
            board.end("failed", f"{type(error).__name__}")
            raise
        else:
            board.end("finished")
