"""What the demo graph gives its engines, so that a peer gets the same."""

from typing import Any

import yaml
from pydantic import JsonValue

from benchmarks.started import DEMO_GRAPH, MODELS
from deployments.engines.chat.llama_cpp import LlamaCppOptions
from deployments.engines.speech.piper import PiperOptions
from deployments.models.references import resolved_options


def llama_options() -> LlamaCppOptions:
    return LlamaCppOptions.model_validate(_resolved(_arguments()["chat"]))


def piper_options() -> PiperOptions:
    engines = (engine for voice in _arguments()["voices"] for engine in voice["engines"])
    return PiperOptions.model_validate(_resolved(next(engine for engine in engines if engine["engine"] == "piper")))


def _arguments() -> dict[str, Any]:
    graph = yaml.safe_load(DEMO_GRAPH.read_text())
    arguments: dict[str, Any] = graph["applications"][0]["args"]
    return arguments


def _resolved(engine: dict[str, Any]) -> dict[str, JsonValue]:
    return resolved_options(engine.get("options", {}), MODELS)
