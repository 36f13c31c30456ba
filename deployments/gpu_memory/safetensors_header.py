"""Reads the header of a safetensors file: the stored size of its tensors by data type.

The format: https://github.com/huggingface/safetensors, "Format". A header comes from a downloaded file, so every
declared size is checked against the file.
"""

from pathlib import Path
from typing import Any

import orjson

from deployments.gpu_memory.errors import InvalidHeader

MAX_HEADER_BYTES = 100_000_000
"""The limit of the reference implementation."""
_LENGTH_BYTES = 8


def read_tensor_bytes(path: Path) -> dict[str, int]:
    """Maps each data type, such as F16 or I32, to the size of its tensors. Raises InvalidHeader, OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
            raise InvalidHeader(f"{path.name} is no safetensors file: its header would have {length} bytes")
        text = file.read(length)
    try:
        header = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidHeader(f"{path.name} is no safetensors file: its header is not JSON") from None
    if not isinstance(header, dict):
        raise InvalidHeader(f"{path.name} is no safetensors file: its header is not an object")
    sizes: dict[str, int] = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            dtype, count = _tensor(tensor, size - _LENGTH_BYTES - length, path)
            sizes[dtype] = sizes.get(dtype, 0) + count
    if sum(sizes.values()) > size:
        raise InvalidHeader(f"{path.name}: tensors overlap")
    return sizes


def _tensor(tensor: Any, data_bytes: int, path: Path) -> tuple[str, int]:
    try:
        dtype, (begin, end) = tensor["dtype"], tensor["data_offsets"]
        valid = isinstance(dtype, str) and 0 <= begin <= end <= data_bytes
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise InvalidHeader(f"{path.name}: a tensor lies outside the file; it is damaged or was not downloaded whole")
    return dtype, end - begin
