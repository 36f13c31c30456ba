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
    converted_voices: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyXtts:
    """Two voices of XTTS: ``gulya``, a plain folder of recordings, and ``lidia`` with voice.json. OpenVoice has
    ``gulya`` too, and ``vera``."""
    root = tmp_path_factory.mktemp("models")
    voices = root / "voices"
    write_voice(voices / "gulya")
    write_voice(voices / "lidia", 22, pitch=220, name="Лидия", languages=["ru", "en"])
    converted = root / "converted"
    write_voice(converted / "gulya")
    write_voice(converted / "vera", pitch=250, languages=["ru", "en"])
    return TinyXtts(build_model(root / "xtts-v2"), voices, build_converter(root / "openvoice-v2"), converted)
