import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from deployments.contracts.outbound import allowances
from deployments.models.catalogue import Model
from deployments.models.pull import pull
from deployments.models.sources import Fetcher
from deployments.models.store import Manifest, ModelStore
from deployments.models.web import Web
from deployments.models.wheels import Pip
from tests.unit.models.server import Site, serving

WEIGHTS = random.Random(7).randbytes(300_000)
CONFIG = b'{"rate": 22050}'


def pinned(path: str, content: bytes) -> dict[str, object]:
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def model(**fields: object) -> Model:
    base: dict[str, object] = {
        "id": "tiny-voice",
        "kind": "speech",
        "languages": ["ru"],
        "licence": "MIT",
        "size": 300_000,
        "description": "for tests",
        "revision": "r1",
    }
    return Model.model_validate(base | fields)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(files={"/weights.bin": WEIGHTS, "/config.json": CONFIG})) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def over_https(site: Site) -> Model:
    urls = {"weights.bin": f"{site.url}/weights.bin", "data/config.json": f"{site.url}/config.json"}
    files = [pinned("weights.bin", WEIGHTS), pinned("data/config.json", CONFIG)]
    return model(files=files, sources=[{"https": {"urls": urls}}])


class Recorder:
    """A Progress that remembers, and may throw the stop switch once a size is reached."""

    def __init__(
        self, stop_at: int = -1, cancel: Event | None = None, raising: type[BaseException] | None = None
    ) -> None:
        self.notes: list[str] = []
        self.sources: list[str] = []
        self.sizes: list[tuple[str, int]] = []
        self._stop_at, self._cancel, self._raising = stop_at, cancel, raising

    def source(self, model_id: str, source: str) -> None:
        self.sources.append(source)

    def file(self, model_id: str, path: str, total: int | None) -> None: ...

    def advanced(self, model_id: str, path: str, done: int) -> None:
        self.sizes.append((path, done))
        if 0 <= self._stop_at <= done:
            if self._cancel is not None:
                self._cancel.set()
            if self._raising is not None:
                raise self._raising

    def note(self, model_id: str, text: str) -> None:
        self.notes.append(text)

    def finished(self, model_id: str) -> None: ...


def web(environment: dict[str, str] | None = None, hosts: str = "127.0.0.1") -> Web:
    """As on the console, where SECRETARY_MODEL_HOSTS is ``hosts``."""
    return Web.of(environment or {}, allowances(hosts))


def fetcher(environment: dict[str, str] | None = None, hosts: str = "127.0.0.1", pip: Pip | None = None) -> Fetcher:
    return Fetcher(web(environment, hosts), pip, sleep=lambda seconds: None)


def bring(
    chosen: Model,
    store: ModelStore,
    progress: Recorder | None = None,
    environment: dict[str, str] | None = None,
    **options: object,
) -> Manifest:
    return pull(chosen, store, fetcher(environment), progress=progress, **options)  # type: ignore[arg-type]
