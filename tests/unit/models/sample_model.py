"""A small model for tests, and pulls of it from the file server."""

import hashlib
import random
from threading import Event

from deployments.contracts.outbound import parse_allowed_hosts
from deployments.models.catalogue import CatalogueModel
from deployments.models.model_pull import pull_model
from deployments.models.source_fetcher import SourceFetcher
from deployments.models.store import ModelManifest, ModelStore
from deployments.models.web_access import ModelWebAccess
from deployments.models.wheels import PipDownloader

WEIGHTS = random.Random(7).randbytes(300_000)
CONFIG = b'{"rate": 22050}'


def pinned_file(path: str, content: bytes) -> dict[str, object]:
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def make_model(**fields: object) -> CatalogueModel:
    base: dict[str, object] = {
        "id": "tiny-voice",
        "kind": "speech",
        "languages": ["ru"],
        "licence": "MIT",
        "size": 300_000,
        "description": "for tests",
        "revision": "r1",
    }
    return CatalogueModel.model_validate(base | fields)


class RecordingProgressListener:
    """Records the events of a pull. At ``stop_at`` bytes it sets ``cancel`` or raises ``raising``."""

    def __init__(
        self, stop_at: int = -1, cancel: Event | None = None, raising: type[BaseException] | None = None
    ) -> None:
        self.notes: list[str] = []
        self.sources: list[str] = []
        self.sizes: list[tuple[str, int]] = []
        self._stop_at, self._cancel, self._raising = stop_at, cancel, raising

    def on_source(self, model_id: str, source: str) -> None:
        self.sources.append(source)

    def on_file(self, model_id: str, path: str, total: int | None) -> None: ...

    def on_bytes(self, model_id: str, path: str, done: int) -> None:
        self.sizes.append((path, done))
        if 0 <= self._stop_at <= done:
            if self._cancel is not None:
                self._cancel.set()
            if self._raising is not None:
                raise self._raising

    def on_note(self, model_id: str, text: str) -> None:
        self.notes.append(text)

    def on_finished(self, model_id: str) -> None: ...


def make_web_access(environment: dict[str, str] | None = None, hosts: str = "127.0.0.1") -> ModelWebAccess:
    """Access of the command line with ``hosts`` in SECRETARY_MODEL_HOSTS."""
    return ModelWebAccess.from_environment(environment or {}, parse_allowed_hosts(hosts))


def make_fetcher(
    environment: dict[str, str] | None = None, hosts: str = "127.0.0.1", pip: PipDownloader | None = None
) -> SourceFetcher:
    return SourceFetcher(make_web_access(environment, hosts), pip, sleep=lambda seconds: None)


def pull_model_for_test(
    model: CatalogueModel,
    store: ModelStore,
    listener: RecordingProgressListener | None = None,
    environment: dict[str, str] | None = None,
    **options: object,
) -> ModelManifest:
    return pull_model(model, store, make_fetcher(environment), listener=listener, **options)  # type: ignore[arg-type]
