"""A download that a test holds and ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployments.administration.models.downloads import Downloads
from deployments.administration.models.service import ModelAdministration
from deployments.models.catalogue import CatalogueModel
from deployments.models.errors import PullCancelled
from deployments.models.progress import ProgressListener
from deployments.models.store import ModelManifest, ModelStore
from tests.unit.administration.switching_replica import install_gguf


class ScriptedPull:
    """A download that stays at 40 % until it is cancelled or ``finish`` is set."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.pulled: list[str] = []

    def __call__(
        self, model: CatalogueModel, store: ModelStore, progress: ProgressListener, cancel: threading.Event
    ) -> ModelManifest:
        self.pulled.append(model.id)
        progress.on_file(model.id, "weights", model.size)
        progress.on_bytes(model.id, "weights", int(model.size * 0.4))
        while not self.finish.wait(0.02):
            if cancel.is_set():
                raise PullCancelled("cancelled")
        install_gguf(store, model.id)
        manifest = store.manifest(model.id)
        assert manifest is not None
        return manifest


@contextmanager
def scripted_pull(models: ModelAdministration, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedPull]:
    """Downloads of the office are scripted within the block."""
    scripted = ScriptedPull()
    monkeypatch.setattr(models, "_downloads", Downloads(models._store, scripted))
    yield scripted
    scripted.finish.set()
