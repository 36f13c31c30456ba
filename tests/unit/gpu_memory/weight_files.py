"""Small files of weights with real headers."""

import json
import struct
from pathlib import Path

_INTEGER, _STRING, _ARRAY = 4, 8, 9
CONFIG = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 1_000,
    "max_position_embeddings": 256,
}


def safetensors(tensors: dict[str, tuple[str, int]], *, cut: int = 0) -> bytes:
    """``tensors`` maps names to data types and sizes in bytes. ``cut`` bytes are missing at the end."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (dtype, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": [size], "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return (len(text).to_bytes(8, "little") + text + bytes(end))[: -cut or None]


def model_folder(folder: Path, tensors: dict[str, tuple[str, int]], **config: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    return folder


def gguf(layers: int = 2, layer_bytes: int = 1_024, *, count: int | None = None, data: bytes | None = None) -> bytes:
    """A llama of ``layers`` layers with one tensor each, and an embedding of 2 KiB. ``count`` replaces the number of
    metadata entries, ``data`` the tensors."""
    metadata = [
        _text("general.architecture") + struct.pack("<I", _STRING) + _text("llama"),
        _entry("llama.block_count", layers),
        _entry("llama.embedding_length", 64),
        _entry("llama.feed_forward_length", 128),
        _entry("llama.attention.head_count", 8),
        _text("llama.attention.head_count_kv") + struct.pack("<IIQ2I", _ARRAY, _INTEGER, 2, 2, 1),
        _entry("llama.context_length", 256),
        _text("tokenizer.ggml.tokens") + struct.pack("<IIQ", _ARRAY, _STRING, 2) + _text("a") + _text("b"),
    ]
    names = ["token_embd.weight", *(f"blk.{number}.attn_q.weight" for number in range(layers))]
    offsets = [0, *(2_048 + number * layer_bytes for number in range(layers))]
    tensors = [_text(n) + struct.pack("<IQIQ", 1, 8, 0, o) for n, o in zip(names, offsets, strict=True)]
    entries = len(metadata) if count is None else count
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), entries) + b"".join(metadata) + b"".join(tensors)
    padding = bytes(-len(header) % 32)
    return header + padding + (bytes(2_048 + layers * layer_bytes) if data is None else data)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _entry(key: str, value: int) -> bytes:
    return _text(key) + struct.pack("<II", _INTEGER, value)
