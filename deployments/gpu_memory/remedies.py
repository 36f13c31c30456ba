"""Finds the setting whose change makes engines fit on a card: first what costs nothing, then what shortens
conversations, then a smaller model."""

from collections.abc import Sequence

from deployments.gpu_memory.memory_need import GIB, MIB, MemoryNeed
from deployments.gpu_memory.vllm_need import CUDA_GRAPH_BYTES

_MIN_TOKENS = 1_024
_TOKEN_STEP = 256
_KV_STEP = 16 * MIB


def find_remedy(needs: Sequence[MemoryNeed], room: int) -> str:
    """One sentence with the setting and its value. ``room`` is what ``needs`` may take together."""
    for remedy in (_smaller_kv_cache, _without_graphs, _shorter_context, _fewer_layers):
        for need in needs:
            others = sum(other.total for other in needs if other is not need)
            if found := remedy(need, room - others):
                return found
    return _smaller_model(needs, room)


def kv_cache_remedy(need: MemoryNeed, size: int) -> str:
    rounded = -(-size // _KV_STEP) * _KV_STEP
    return f"set {need.path}.options.kv_cache_memory_bytes to {rounded}"


def _smaller_kv_cache(need: MemoryNeed, room: int) -> str:
    """For vLLM: the largest useful KV cache that fits, when it holds one conversation of full length."""
    if need.engine != "vllm" or need.kv is None:
        return ""
    size = min(room - need.without_kv_cache, need.kv.maximum) // _KV_STEP * _KV_STEP
    return kv_cache_remedy(need, size) if size >= need.kv.minimum else ""


def _without_graphs(need: MemoryNeed, room: int) -> str:
    if need.engine != "vllm" or need.kv is None or need.options.get("enforce_eager"):
        return ""
    size = min(room - need.without_kv_cache + CUDA_GRAPH_BYTES, need.kv.maximum) // _KV_STEP * _KV_STEP
    if size < need.kv.minimum:
        return ""
    return f"set {need.path}.options.enforce_eager to true and kv_cache_memory_bytes to {size}"


def _shorter_context(need: MemoryNeed, room: int) -> str:
    if need.kv is None or not need.kv.per_token:
        return ""
    is_vllm = need.engine == "vllm"
    slots = 1 if is_vllm else max(1, need.kv.maximum // max(1, need.kv.minimum))
    tokens = (room - need.without_kv_cache) // (need.kv.per_token * slots) // _TOKEN_STEP * _TOKEN_STEP
    if tokens < _MIN_TOKENS:
        return ""
    if not is_vllm:
        return f"set {need.path}.options.context to {tokens}"
    size = -(-tokens * need.kv.per_token // _KV_STEP) * _KV_STEP
    return f"set {need.path}.options.max_model_len to {tokens} and kv_cache_memory_bytes to {size}"


def _fewer_layers(need: MemoryNeed, room: int) -> str:
    """For llama.cpp: the last layers that fit with their share of the KV cache."""
    if need.engine != "llama_cpp" or not need.layer_bytes or need.kv is None:
        return ""
    kv_per_layer = need.kv_cache // len(need.layer_bytes)
    left, count = room - need.activations - need.context, 0
    for size in reversed(need.layer_bytes):
        left -= size + kv_per_layer
        if left < 0:
            break
        count += 1
    return f"set {need.path}.options.gpu_layers to {count}" if count else ""


def _smaller_model(needs: Sequence[MemoryNeed], room: int) -> str:
    largest = max(needs, key=lambda need: need.weights)
    minimum = largest.kv.minimum if largest.kv else largest.kv_cache
    others = sum(need.total for need in needs if need is not largest)
    weights = room - others - (largest.without_kv_cache - largest.weights) - minimum
    where = f"{largest.path}.options.model" if largest.options else largest.path
    advice = "or give another deployment its own card"
    if weights <= 0:
        return f"take another card: {where} leaves no room at all beside the others, {advice}"
    size = f"{weights / GIB:.1f} GiB of weights instead of {largest.weights / GIB:.1f}"
    return f"choose a smaller or more strongly quantised model for {where}, with at most {size}, {advice}"
