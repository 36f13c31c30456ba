"""Options of the engine ``vllm`` and the arguments of vLLM that follow from them."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from deployments.engines.options import ChatEngineOptions, require_path

_MAX_LOADED_ADAPTERS = 8
"""Adapters on the card at a time; vLLM reserves memory for each and swaps others in from the main memory."""


class VllmOptions(ChatEngineOptions):
    model: Path = Field(description="Folder of a model in the format of Hugging Face")
    served_name: str = Field(default="", description="Name of the model in replies; default: model_id, else its folder")
    quantization: str | None = Field(default=None, description="awq, gptq, …; default: what the model says")
    dtype: Literal["auto", "half", "float16", "bfloat16", "float", "float32"] = Field(
        default="auto", description="Number format of the weights"
    )
    max_model_len: int | None = Field(
        default=None, ge=64, description="Longest conversation with its answer, in tokens; default: that of the model"
    )
    kv_cache_memory_bytes: int | None = Field(
        default=None, ge=1, description="Memory of the KV cache; on a shared card always set it"
    )
    gpu_memory_utilization: float | None = Field(
        default=None, gt=0, le=1, description="Share of the whole card, used without kv_cache_memory_bytes"
    )
    max_num_seqs: int = Field(default=32, ge=1, le=1_024, description="Concurrent answers; more are queued")
    max_tokens: int = Field(default=512, ge=1, description="Length limit of answers whose request names none")
    tensor_parallel_size: int = Field(default=1, ge=1, le=64, description="Cards that share one model")
    distributed_executor_backend: Literal["mp", "ray"] | None = Field(
        default=None, description="ray: the cards of tensor_parallel_size may be on several machines"
    )
    enforce_eager: bool = Field(
        default=False, description="No CUDA graphs: starts faster, saves memory, answers slower"
    )
    adapters: dict[str, Path] = Field(default_factory=dict, description="LoRA adapters: name and folder")
    max_lora_rank: int = Field(default=16, description="Largest rank of the adapters")
    tool_parser: str | None = Field(
        default=None, description="How the model writes tool calls: hermes, llama3_json, mistral, …"
    )
    sleep_level: Literal[0, 1, 2] = Field(
        default=0, description="What sleep frees: 1 moves the weights to the main memory, 2 drops them, 0: no sleep"
    )
    load_timeout_s: float = Field(default=600, gt=0, description="Time to load the model and to warm up")

    @property
    def model_name(self) -> str:
        return self.served_name or self.model_id or self.model.name


def check_files(options: VllmOptions) -> None:
    """Raises ModelMissing when the model or an adapter is not on disk."""
    require_path(options.model, "the language model", options.model_id)
    for name, folder in options.adapters.items():
        require_path(folder, f"the LoRA adapter {name}")


def engine_arguments(options: VllmOptions) -> dict[str, object]:
    """The arguments of ``vllm.AsyncEngineArgs``.

    With ``disable_any_whitespace`` a model cannot write spaces forever where a JSON schema allows them.
    """
    arguments: dict[str, object] = {
        "model": str(options.model),
        "served_model_name": options.model_name,
        "quantization": options.quantization,
        "dtype": options.dtype,
        "max_model_len": options.max_model_len,
        "kv_cache_memory_bytes": options.kv_cache_memory_bytes,
        "max_num_seqs": options.max_num_seqs,
        "tensor_parallel_size": options.tensor_parallel_size,
        "distributed_executor_backend": options.distributed_executor_backend,
        "enforce_eager": options.enforce_eager,
        "enable_sleep_mode": options.sleep_level > 0,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
    }
    if options.gpu_memory_utilization is not None and options.kv_cache_memory_bytes is None:
        arguments["gpu_memory_utilization"] = options.gpu_memory_utilization
    if options.adapters:
        arguments |= {
            "enable_lora": True,
            "max_loras": min(len(options.adapters), _MAX_LOADED_ADAPTERS),
            "max_cpu_loras": len(options.adapters),
            "max_lora_rank": options.max_lora_rank,
        }
    return arguments
