"""The tiny models and their voices. These tests run in an environment with coqui-tts: ``make test-xtts``."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.xtts.tiny_converter import build_converter
from tests.xtts.tiny_model import build_model, write_voice

_HERE = Path(__file__).parent
torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.xtts)
            item.add_marker(pytest.mark.timeout(300))


@dataclass(frozen=True)
class TinyXtts:
    model: Path
    voices: Path
    converter: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyXtts:
    """The voices ``gulya``, a plain folder of recordings, ``lidia`` with voice.json, and ``vera``, whose language XTTS
    does not speak."""
    root = tmp_path_factory.mktemp("models")
    voices = root / "voices"
    write_voice(voices / "gulya")
    write_voice(voices / "lidia", 22, pitch=220, name="Лидия", languages=["ru", "en"])
    write_voice(voices / "vera", pitch=250, languages=["uk"])
    return TinyXtts(build_model(root / "xtts-v2"), voices, build_converter(root / "openvoice-v2"))
