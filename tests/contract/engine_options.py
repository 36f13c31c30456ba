"""Options of each registered engine in tests, and the paths of the demo models."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.engines.registry import ENGINE_KINDS, EngineKind, engine_names

_MODELS = Path(os.environ.get("SECRETARY_MODELS") or Path(__file__).parents[2] / "data" / "models")

LLAMA_MODEL = "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
PIPER_MODEL = "piper-en-us-joe-medium"
WHISPER_MODEL = "whisper-base"
VOSK_MODEL = "vosk-ko"

_WITHOUT_MODEL: dict[str, dict[str, JsonValue]] = {
    "echo": {"delay_s": 0.005},
    "tone": {"delay_s": 0.002},
    "espeak": {},
    "transcript": {"text": "First sentence. Second sentence.", "delay_s": 0.01},
}
TESTED_ELSEWHERE = {"vllm": "tests/vllm", "xtts": "tests/xtts", "openvoice": "tests/xtts"}
"""Engines whose packages have a virtual environment of their own, and the folder of their conformance tests."""


def engine_options(name: str) -> dict[str, JsonValue]:
    """Options of an engine. The test fails when a demo model is missing."""
    if name in _WITHOUT_MODEL:
        return _WITHOUT_MODEL[name]
    if name == "llama_cpp":
        return {"model": demo_model_path(LLAMA_MODEL), "threads": 1, "context": 1_024}
    if name == "piper":
        return {"models": [demo_model_path(PIPER_MODEL)], "threads": 1}
    if name == "faster_whisper":
        return {"model": demo_model_path(WHISPER_MODEL), "threads": 1, "beam_size": 1}
    if name == "vosk":
        return {"models": {"ko": demo_model_path(VOSK_MODEL)}}
    raise LookupError(f"add options of the engine {name} to tests/contract/engine_options.py")


def demo_model_path(path: str) -> str:
    """Absolute path of a file or folder of the demo models."""
    absolute = _MODELS / path
    if not absolute.exists():
        pytest.fail(f"the demo model {absolute} is missing; run: make test-needs", pytrace=False)
    return str(absolute)


def engine_parameters(*kinds: EngineKind) -> list[object]:
    """The names of the registered engines of ``kinds``. Engines with a model are marked ``model``."""
    names = [name for kind in kinds for name in engine_names(kind) if name not in TESTED_ELSEWHERE]
    return [pytest.param(name, id=name, marks=() if name in _WITHOUT_MODEL else pytest.mark.model) for name in names]


def engine_kind(name: str) -> EngineKind:
    return next(kind for kind in ENGINE_KINDS if name in engine_names(kind))
