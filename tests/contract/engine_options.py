"""Which options each registered engine is tested with, and where the demo models lie."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.engines.registry import EngineKind, engine_names

_HOME = Path(os.environ.get("SECRETARY_MODELS") or Path(__file__).parents[2] / "data" / "models")
_TWO_SENTENCES = "First sentence. Second sentence."

LLAMA_MODEL = "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
PIPER_MODEL = "piper-en-us-joe-medium"
WHISPER_MODEL = "whisper-base"

_SCRIPTED: dict[tuple[EngineKind, str], dict[str, JsonValue]] = {
    ("chat", "echo"): {"delay_s": 0.005},
    ("speech", "tone"): {"delay_s": 0.002},
    ("speech", "espeak"): {},
    ("recognition", "transcript"): {"text": _TWO_SENTENCES, "delay_s": 0.01},
}


def engine_options(kind: EngineKind, name: str) -> dict[str, JsonValue]:
    """Options for a test of the engine; fails, not skips, when its demo model has not been pulled."""
    if (kind, name) in _SCRIPTED:
        return _SCRIPTED[kind, name]
    if name == "llama_cpp":
        return {"model": demo_model_path(LLAMA_MODEL), "threads": 2, "context": 1_024}
    if name == "piper":
        return {"models": [demo_model_path(PIPER_MODEL)], "threads": 1}
    if name == "faster_whisper":
        return {"model": demo_model_path(WHISPER_MODEL), "threads": 2, "beam_size": 1}
    raise LookupError(f"give tests/contract/engine_options.py options for the {kind} engine {name}")


def demo_model_path(path: str) -> str:
    """Absolute path of a file or folder of the demo models."""
    found = _HOME / path
    if not found.exists():
        pytest.fail(f"the demo model {found} is missing; run: secretary models pull", pytrace=False)
    return str(found)


def engine_parameters(kind: EngineKind) -> list[object]:
    """All registered engine names of ``kind`` as test parameters; those with weights are marked ``model``."""
    needs_nothing = {name for known, name in _SCRIPTED if known == kind}
    return [
        pytest.param(name, id=name, marks=() if name in needs_nothing else pytest.mark.model)
        for name in engine_names(kind)
    ]
