"""The GPU memory of any engine: computed for vLLM, llama.cpp and Whisper, a stated constant for others that are known.

The functions take an engine's name and its options as they are in the graph.
"""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue, ValidationError

from deployments.gpu_memory.errors import InvalidHeader
from deployments.gpu_memory.llama_need import LlamaMemoryOptions, llama_need
from deployments.gpu_memory.memory_need import CUDA_CONTEXT_BYTES, GIB, MIB, MemoryNeed
from deployments.gpu_memory.model_facts import ModelFacts, find_model_facts
from deployments.gpu_memory.vllm_need import VllmMemoryOptions, vllm_need
from deployments.models.store import ModelStore

XTTS_BYTES = 4 * GIB
"""XTTS v2 with its CUDA context: 1.9 GB of float32 weights, the decoder's cache and its vocoder. An estimate that no
card has confirmed here; users of the model report 2.5 to 5 GB."""
OPENVOICE_BYTES = GIB
"""The converter of OpenVoice v2 with its CUDA context: 131 MB of float32 weights and the layers of a sentence. An
estimate that no card has confirmed here."""
_FIXED_NEEDS = {"xtts": XTTS_BYTES, "openvoice": OPENVOICE_BYTES}
_CPU_ENGINES = frozenset(("echo", "tone", "espeak", "piper", "transcript", "vosk"))
_DEFAULT_DEVICES = {"faster_whisper": "cpu"}
_WHISPER_BUFFER_BYTES = 512 * MIB
"""Encoder states, beams and cuBLAS of one transcription. An estimate."""


def engine_need(
    deployment: str, engine: str, options: dict[str, JsonValue], path: str, store: ModelStore
) -> MemoryNeed:
    """The need of one engine; ``unknown`` is set when it cannot be computed."""
    on_cpu = engine in _CPU_ENGINES or options.get("device", _DEFAULT_DEVICES.get(engine)) == "cpu"
    if engine in _FIXED_NEEDS and not on_cpu:
        total = _FIXED_NEEDS[engine]
        return MemoryNeed(deployment, engine, path, total - CUDA_CONTEXT_BYTES, source="an estimate for this engine")
    if on_cpu:
        return MemoryNeed(deployment, engine, path, context=0, source="it runs on the CPU")
    unknown = MemoryNeed(deployment, engine, path, context=0)
    if engine not in ("vllm", "llama_cpp", "faster_whisper"):
        return replace(unknown, unknown=f"the need of the engine {engine} is not known")
    try:
        return _computed_need(unknown, options, store)
    except InvalidHeader as error:
        return replace(unknown, unknown=str(error))
    except ValidationError as error:
        first = error.errors()[0]
        return replace(unknown, unknown=f"options.{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _computed_need(unknown: MemoryNeed, options: dict[str, JsonValue], store: ModelStore) -> MemoryNeed:
    facts = find_model_facts(str(options.get("model", "")), store)
    if facts is None:
        return replace(unknown, unknown=f"the model {options.get('model')} is not on this machine")
    if unknown.engine == "vllm":
        need = vllm_need(unknown.deployment, unknown.path, VllmMemoryOptions.model_validate(options), facts)
    elif unknown.engine == "llama_cpp":
        need = llama_need(unknown.deployment, unknown.path, LlamaMemoryOptions.model_validate(options), facts)
    else:
        need = _whisper_need(unknown, facts)
    return need


def _whisper_need(need: MemoryNeed, facts: ModelFacts) -> MemoryNeed:
    buffers = _WHISPER_BUFFER_BYTES
    return replace(need, weights=facts.weights, activations=buffers, context=CUDA_CONTEXT_BYTES, source=facts.source)


def deployment_need(needs: Sequence[MemoryNeed], gpu_memory_gb: float = 0) -> MemoryNeed:
    """The need of the engines of one process, which share a CUDA context. ``gpu_memory_gb`` replaces what is computed,
    unless it is 0.

    One engine keeps its details; several are added up.
    """
    first = needs[0]
    if gpu_memory_gb:
        total = max(int(gpu_memory_gb * GIB), CUDA_CONTEXT_BYTES)
        return MemoryNeed(
            first.deployment,
            ", ".join(need.engine for need in needs),
            first.path,
            total - CUDA_CONTEXT_BYTES,
            source="gpu_memory_gb of the graph",
        )
    if len(needs) == 1:
        return first
    return MemoryNeed(
        first.deployment,
        ", ".join(need.engine for need in needs),
        first.path,
        weights=sum(need.weights for need in needs),
        kv_cache=sum(need.kv_cache for need in needs),
        activations=sum(need.activations for need in needs),
        adapters=sum(need.adapters for need in needs),
        context=max(need.context for need in needs),
        source="; ".join(dict.fromkeys(need.source for need in needs if need.source)),
        unknown="; ".join(need.unknown for need in needs if need.unknown),
    )
