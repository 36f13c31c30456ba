"""The GPU memory that llama.cpp needs for the layers that it keeps on the card.

Sources: llama.cpp, ``src/llama-model.cpp`` (layers are moved from the last one, the output layer first) and
``src/llama-kv-cache.cpp`` (keys and values in f16).
"""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from deployments.gpu_memory.memory_need import CUDA_CONTEXT_BYTES, MIB, KvCache, MemoryNeed
from deployments.gpu_memory.model_facts import ModelFacts

_KV_BYTES = 2
_LOGIT_BYTES = 4
_FIXED_BUFFER_BYTES = 64 * MIB


class LlamaMemoryOptions(BaseModel):
    """The options of the engine ``llama_cpp`` that decide about memory."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    slots: int = Field(default=4, ge=1)
    context: int = Field(default=4_096, ge=1)
    batch: int = Field(default=64, ge=1)
    gpu_layers: int = Field(default=0, ge=-1)
    embeddings: bool = False


def llama_need(deployment: str, path: str, options: LlamaMemoryOptions, facts: ModelFacts) -> MemoryNeed:
    """The need of one replica. Without layers on the card it needs none."""
    if options.gpu_layers == 0:
        return MemoryNeed(deployment, "llama_cpp", path, context=0, source="no layer is on the card")
    shape = facts.shape
    layers = shape.layers if shape else max(1, len(facts.layer_bytes))
    on_card = layers if options.gpu_layers == -1 else min(options.gpu_layers, layers)
    weights = _weights(facts, on_card, layers, options.gpu_layers)
    copies = 2 if options.embeddings else 1
    need = MemoryNeed(
        deployment,
        "llama_cpp",
        path,
        weights=weights * copies,
        context=CUDA_CONTEXT_BYTES,
        layer_bytes=facts.layer_bytes,
        options=dict(options.model_dump()),
        source=facts.source,
        unknown="" if shape else "its metadata does not describe a transformer",
    )
    if shape is None:
        return need
    per_token = shape.kv_values() * _KV_BYTES * on_card // layers
    per_slot = per_token * options.context
    buffers = options.batch * (shape.vocabulary * _LOGIT_BYTES + 4 * (shape.intermediate + shape.hidden) * 4)
    return replace(
        need,
        kv_cache=per_slot * options.slots,
        kv=KvCache(per_token, per_slot, per_slot * options.slots),
        activations=copies * (_FIXED_BUFFER_BYTES + buffers),
    )


def _weights(facts: ModelFacts, on_card: int, layers: int, gpu_layers: int) -> int:
    """All weights, or those of the last ``on_card`` layers. The output layer follows when all others are there."""
    if gpu_layers == -1 or gpu_layers > layers or not facts.layer_bytes:
        return facts.weights
    return sum(facts.layer_bytes[-on_card:])
