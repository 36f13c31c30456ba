"""Headers of weights: sizes of real files, and files that declare what they do not have."""

import os
import struct
from pathlib import Path

import pytest

from deployments.gpu_memory.errors import InvalidHeader
from deployments.gpu_memory.gguf_header import read_gguf_header
from deployments.gpu_memory.model_facts import find_model_facts
from deployments.gpu_memory.safetensors_header import read_tensor_bytes
from deployments.models.store import ModelStore
from tests.unit.gpu_memory.weight_files import gguf, model_folder, safetensors

TENSORS = {"a": ("F16", 100), "b": ("I32", 40), "c": ("F16", 4)}
HUGE = (1 << 63).to_bytes(8, "little")


def test_safetensors_sizes_by_type(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(TENSORS))
    assert read_tensor_bytes(path) == {"F16": 104, "I32": 40}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        HUGE + b"{}",
        (100_000_001).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{x",
        safetensors(TENSORS, cut=1),
        (14).to_bytes(8, "little") + b'{"a": "no"}   ',
        (60).to_bytes(8, "little") + b'{"a":{"dtype":"F16","data_offsets":[0,-5]}}'.ljust(60),
        (60).to_bytes(8, "little") + b'{"a":{"dtype":[],"data_offsets":[0,0]}}'.ljust(60),
        (70_000).to_bytes(8, "little") + (b"[" * 70_000),
    ],
)
def test_hostile_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidHeader, match=r"model\.safetensors"):
        read_tensor_bytes(path)


def test_gguf_sizes_and_shape(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(layers=2, layer_bytes=1_024))
    header = read_gguf_header(path)
    assert (header.layer_bytes, header.other_bytes, header.tensor_bytes) == ((1_024, 1_024), 2_048, 4_096)
    assert header.metadata["llama.attention.head_count_kv"] == (2, 1)
    facts = find_model_facts(str(path), ModelStore(tmp_path))
    assert facts is not None
    assert facts.shape is not None
    assert (facts.weights, facts.shape.layers, facts.shape.kv_heads, facts.shape.vocabulary) == (4_096, 2, 2, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGML" + gguf()[4:],
        b"GGUF" + struct.pack("<I", 9) + gguf()[8:],
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + HUGE,
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 1 << 40),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 1),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<I", 99),
        b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"a" + struct.pack("<I", 1 << 30),
        gguf(count=9),
        gguf(data=b""),
        gguf(data=bytes(2_048)),
    ],
)
def test_hostile_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(InvalidHeader, match=r"m\.gguf"):
        read_gguf_header(path)


def test_header_of_sparse_file_reads_header_only(tmp_path: Path) -> None:
    """A terabyte that declares a list of a terabyte of numbers."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 12, 1 << 37))
    os.truncate(path, 1 << 40)
    with pytest.raises(InvalidHeader):
        read_gguf_header(path)


def test_folder_facts_follow_config(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m", TENSORS, quantization_config={"quant_method": "awq"})
    facts = find_model_facts(str(folder), ModelStore(tmp_path))
    assert facts is not None
    assert facts.shape is not None
    assert (facts.weights, facts.quantised, facts.shape.kv_values()) == (144, True, 2 * 2 * 16)


@pytest.mark.parametrize("config", ["[", "{}", '{"num_hidden_layers": -1}', '{"num_attention_heads": 0}', "[]", "7"])
def test_folder_with_unusable_config_has_no_shape(tmp_path: Path, config: str) -> None:
    folder = model_folder(tmp_path / "m", TENSORS)
    (folder / "config.json").write_text(config)
    if config == "[":
        with pytest.raises(InvalidHeader, match=r"config\.json"):
            find_model_facts(str(folder), ModelStore(tmp_path))
        return
    facts = find_model_facts(str(folder), ModelStore(tmp_path))
    assert facts is not None
    assert facts.shape is None


def test_missing_model_has_catalogue_size_or_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    known = find_model_facts("model://qwen2.5-7b-instruct-awq", store)
    assert known is not None
    assert known.shape is not None
    assert "not downloaded" in known.source
    assert known.weights == 5_580_000_000
    assert find_model_facts("model://nobody", store) is None
    assert find_model_facts("/no/such/folder", store) is None
