"""The GPU memory that vLLM needs. Computed from the engine's options; vLLM itself is not imported.

Sources: vLLM, "Conserving Memory" and "Optimization and Tuning"; ``vllm/v1/worker/gpu_worker.py``
(``determine_available_memory``) for what it counts, ``vllm/config`` for the defaults.
"""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from deployments.gpu_memory.memory_need import CUDA_CONTEXT_BYTES, MIB, KvCache, MemoryNeed
from deployments.gpu_memory.model_facts import ModelFacts
from deployments.models.model_shape import ModelShape

DEFAULT_SHARE = 0.92
"""vLLM's ``gpu_memory_utilization``."""
_PROFILED_TOKENS = 2_048
"""vLLM's ``max_num_batched_tokens``: its profiling run has this many tokens at once."""
_SAMPLER_BYTES = 26
"""Per logit: fp16, float32 and its copy (4 + 4), sorted values and indices (4 + 8), cumulated probabilities (4)."""
CUDA_GRAPH_BYTES = 512 * MIB
"""Graphs of a 7B model, captured beside the KV cache unless ``enforce_eager`` is set. An estimate."""
_BLOCK_TOKENS = 16
_WIDE = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class VllmMemoryOptions(BaseModel):
    """The options of the engine ``vllm`` that decide about memory."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    quantization: str | None = None
    dtype: str = "auto"
    max_model_len: int | None = Field(default=None, ge=1)
    kv_cache_memory_bytes: int | None = Field(default=None, ge=0)
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    max_num_seqs: int = Field(default=32, ge=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    enforce_eager: bool = False
    adapters: dict[str, str] = Field(default_factory=dict)
    max_lora_rank: int = Field(default=16, ge=1)


def vllm_need(deployment: str, path: str, options: VllmMemoryOptions, facts: ModelFacts) -> MemoryNeed:
    """The need of one replica on each card of ``tensor_parallel_size``."""
    shape, cards = facts.shape, options.tensor_parallel_size
    need = MemoryNeed(
        deployment,
        "vllm",
        path,
        weights=_weights(options, facts) // cards,
        source=facts.source,
        options=dict(options.model_dump()),
        context=CUDA_CONTEXT_BYTES + (0 if options.enforce_eager else CUDA_GRAPH_BYTES),
        kv_cache=options.kv_cache_memory_bytes or 0,
        share=None if options.kv_cache_memory_bytes else options.gpu_memory_utilization or DEFAULT_SHARE,
        unknown="" if shape else "its config.json does not describe a transformer",
    )
    if shape is None:
        return need
    return _with_shape(need, options, shape)


def _with_shape(need: MemoryNeed, options: VllmMemoryOptions, shape: ModelShape) -> MemoryNeed:
    cards = options.tensor_parallel_size
    bytes_per_value = 4 if options.dtype in ("float32", "float") else 2
    per_token = -(-shape.kv_values() * bytes_per_value // min(cards, shape.kv_heads))
    tokens = -(-(options.max_model_len or shape.context) // _BLOCK_TOKENS) * _BLOCK_TOKENS
    return replace(
        need,
        kv=KvCache(per_token, per_token * tokens, per_token * tokens * options.max_num_seqs),
        activations=_activations(options, shape, bytes_per_value) // cards,
        adapters=_adapters(options, shape, bytes_per_value) // cards,
    )


def _weights(options: VllmMemoryOptions, facts: ModelFacts) -> int:
    """The stored sizes; floating-point tensors of a model that is not quantised get the width of ``dtype``.

    vLLM's dtype "auto" keeps half precision and turns float32 into half precision.
    """
    if facts.quantised or options.quantization:
        return facts.weights
    total = 0
    for dtype, size in facts.tensor_bytes.items():
        stored = _WIDE.get(dtype)
        wanted = 4 if options.dtype in ("float32", "float") else 2
        total += size * wanted // stored if stored else size
    return total


def _activations(options: VllmMemoryOptions, shape: ModelShape, bytes_per_value: int) -> int:
    """The larger moments of vLLM's profiling run: the MLP of one layer over all tokens, and the sampler.

    tokens x (3 x intermediate + 4 x hidden) x bytes, and max_num_seqs x vocabulary x 26 bytes.
    """
    tokens = max(_PROFILED_TOKENS, options.max_num_seqs)
    layer = tokens * (3 * shape.intermediate + 4 * shape.hidden) * bytes_per_value
    return layer + options.max_num_seqs * shape.vocabulary * _SAMPLER_BYTES


def _adapters(options: VllmMemoryOptions, shape: ModelShape, bytes_per_value: int) -> int:
    """LoRA matrices of rank ``max_lora_rank`` beside all seven projections of a layer, once per adapter."""
    query, cached = shape.heads * shape.key_length, shape.kv_heads * shape.key_length
    attention = (shape.hidden + query) + 2 * (shape.hidden + cached) + (query + shape.hidden)
    mlp = 3 * (shape.hidden + shape.intermediate)
    per_adapter = shape.layers * options.max_lora_rank * (attention + mlp) * bytes_per_value
    return per_adapter * len(options.adapters)
