from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.models.catalogue import CatalogueModel
from deployments.models.store import ModelStore
from tests.unit.models.file_server import FakeFileServer, run_file_server
from tests.unit.models.sample_model import CONFIG, WEIGHTS, make_model, pinned_file


@pytest.fixture
def server() -> Iterator[FakeFileServer]:
    with run_file_server(FakeFileServer(files={"/weights.bin": WEIGHTS, "/config.json": CONFIG})) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def https_model(server: FakeFileServer) -> CatalogueModel:
    """A model with two pinned files on the file server."""
    urls = {"weights.bin": f"{server.url}/weights.bin", "data/config.json": f"{server.url}/config.json"}
    files = [pinned_file("weights.bin", WEIGHTS), pinned_file("data/config.json", CONFIG)]
    return make_model(files=files, sources=[{"https": {"urls": urls}}])
