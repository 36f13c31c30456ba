"""Which options each registered engine is tested with, and where the demo models lie."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.engines.registry import Kind, names

_HOME = Path(os.environ.get("SECRETARY_MODELS") or Path(__file__).parents[2] / "data" / "models")
_TWO_SENTENCES = "First sentence. Second sentence."

LANGUAGE_MODEL = "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
VOICE = "piper-en-us-joe-medium"
EAR = "whisper-base"

_SCRIPTED: dict[tuple[Kind, str], dict[str, JsonValue]] = {
    ("chat", "echo"): {"delay_s": 0.005},
    ("speech", "tone"): {"delay_s": 0.002},
    ("speech", "espeak"): {},
    ("recognition", "transcript"): {"text": _TWO_SENTENCES, "delay_s": 0.01},
}


def options_of(kind: Kind, name: str) -> dict[str, JsonValue]:
    """Options for a test of the engine; fails, not skips, when its demo model has not been pulled."""
    if (kind, name) in _SCRIPTED:
        return _SCRIPTED[kind, name]
    if name == "llama_cpp":
        return {"model": model(LANGUAGE_MODEL), "threads": 2, "context": 1_024}
    if name == "piper":
        return {"models": [model(VOICE)], "threads": 1}
    if name == "faster_whisper":
        return {"model": model(EAR), "threads": 2, "beam_size": 1}
    raise LookupError(f"give tests/contract/engines.py options for the {kind} engine {name}")


def model(path: str) -> str:
    """Absolute path of a file or folder of the demo models."""
    found = _HOME / path
    if not found.exists():
        pytest.fail(f"the demo model {found} is missing; run: secretary models pull", pytrace=False)
    return str(found)


def every(kind: Kind) -> list[object]:
    """All registered engine names of ``kind`` as test parameters; those with weights are marked ``model``."""
    needs_nothing = {name for known, name in _SCRIPTED if known == kind}
    return [
        pytest.param(name, id=name, marks=() if name in needs_nothing else pytest.mark.model) for name in names(kind)
    ]
