"""The shape of a transformer, from ``config.json`` of Hugging Face or from the metadata of a GGUF file."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1, le=1 << 24)]


class ModelShape(BaseModel):
    """``key_length`` and ``value_length`` are the values per token, layer and key-value head. ``context`` is the
    longest conversation in tokens. Fields that only estimates use are 0 when unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: Count
    kv_heads: Count
    key_length: Count
    value_length: int = Field(ge=0, le=1 << 24)
    hidden: Count
    heads: Count
    intermediate: int = Field(default=0, ge=0, le=1 << 24)
    vocabulary: int = Field(default=0, ge=0, le=1 << 28)
    context: Count = 4_096

    @model_validator(mode="before")
    @classmethod
    def _same_lengths(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and "value_length" not in fields:
            return {**fields, "value_length": fields.get("key_length", 0)}
        return fields

    def kv_values(self) -> int:
        """Numbers in the KV cache per token, over all layers."""
        return self.layers * self.kv_heads * (self.key_length + self.value_length)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """From ``config.json``. Raises KeyError, TypeError or ValueError when a field is missing or wrong.

        A model with latent attention (DeepSeek V2 and later) caches one vector per token and layer.
        """
        text = config.get("text_config")
        config = {**config, **text} if isinstance(text, Mapping) else config
        heads, hidden = config["num_attention_heads"], config["hidden_size"]
        kv_heads = config.get("num_key_value_heads") or heads
        key_length = config.get("head_dim") or hidden // heads
        value_length = key_length
        if config.get("kv_lora_rank"):
            kv_heads, value_length = 1, 0
            key_length = config["kv_lora_rank"] + config.get("qk_rope_head_dim", 0)
        return cls(
            layers=config["num_hidden_layers"],
            kv_heads=kv_heads,
            key_length=key_length,
            value_length=value_length,
            hidden=hidden,
            heads=heads,
            intermediate=config.get("intermediate_size") or 0,
            vocabulary=config.get("vocab_size") or 0,
            context=config.get("max_position_embeddings") or 4_096,
        )

    @classmethod
    def from_gguf(cls, metadata: Mapping[str, Any]) -> Self:
        """From GGUF metadata (ggml docs, gguf.md, "LLM"). Raises as ``from_config`` does."""
        architecture = metadata["general.architecture"]

        def read(name: str, default: Any = None) -> Any:
            value = metadata.get(f"{architecture}.{name}", default)
            return max(value) if isinstance(value, tuple) and value else value

        heads, hidden = read("attention.head_count"), read("embedding_length")
        key_length = read("attention.key_length") or hidden // heads
        return cls(
            layers=read("block_count"),
            kv_heads=read("attention.head_count_kv") or heads,
            key_length=key_length,
            value_length=read("attention.value_length", key_length),
            hidden=hidden,
            heads=heads,
            intermediate=read("feed_forward_length", 0),
            vocabulary=read("vocab_size") or metadata.get("tokenizer.ggml.tokens", 0),
            context=read("context_length", 4_096),
        )
