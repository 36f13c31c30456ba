"""The tiny model and its adapters. These tests run in an environment with vLLM: ``make test-vllm``."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.vllm.tiny_model import ADAPTERS, build_adapter, build_model

_HERE = Path(__file__).parent
KV_CACHE_BYTES = 256 << 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(600))


@dataclass(frozen=True)
class TinyModel:
    folder: Path
    adapters: dict[str, Path]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    root = tmp_path_factory.mktemp("models")
    model = build_model(root / "tiny")
    return TinyModel(model, {name: build_adapter(root / name, model, name) for name in ADAPTERS})
