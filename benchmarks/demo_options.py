"""The engine options of the demo graph, for peers."""

from benchmarks.server_process import DEMO_GRAPH, MODELS
from deployments.arguments import SecretaryArgs
from deployments.command.graph import read_graph
from deployments.engines.chat.llama_cpp import LlamaCppOptions
from deployments.engines.speech.piper import PiperOptions
from deployments.models.references import resolve_options


def llama_options() -> LlamaCppOptions:
    return LlamaCppOptions.model_validate(resolve_options(_arguments().chats[0].options, MODELS))


def piper_options() -> PiperOptions:
    engines = (engine for voice in _arguments().voices for engine in voice.engines)
    piper = next(engine for engine in engines if engine.engine == "piper")
    return PiperOptions.model_validate(resolve_options(piper.options, MODELS))


def _arguments() -> SecretaryArgs:
    return read_graph(DEMO_GRAPH).secretary_arguments()
