"""Reads the header of a GGUF file: metadata and the stored size of its tensors, per layer.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. A header comes from a downloaded file, so every
declared count and length is checked before it is used.
"""

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from deployments.gpu_memory.errors import InvalidHeader

Value = int | float | bool | str | tuple[int, ...]

MAX_HEADER_BYTES = 256 << 20
_MAX_ENTRIES = 1 << 17
_MAX_KEPT_ITEMS = 4_096
_MAX_ARRAY_ITEMS = 1 << 23
_MAX_DIMENSIONS = 8
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_INTEGERS = frozenset((0, 1, 2, 3, 4, 5, 10, 11))
_LAYER = re.compile(r"blk\.(\d{1,5})\.")


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """``metadata`` has scalars, short lists of integers, and for other lists their length. ``layer_bytes`` has the size
    of each layer in order, ``other_bytes`` that of embeddings and output."""

    metadata: dict[str, Value]
    layer_bytes: tuple[int, ...]
    other_bytes: int

    @property
    def tensor_bytes(self) -> int:
        return sum(self.layer_bytes) + self.other_bytes


def read_gguf_header(path: Path) -> GgufHeader:
    """Raises InvalidHeader, OSError. A file that has not changed is read once: to walk through a vocabulary of 100,000
    words takes tenths of a second."""
    status = path.stat()
    return _read_header(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _read_header(path: Path, size: int, modified_ns: int) -> GgufHeader:
    with path.open("rb") as file:
        reader = _Reader(file, size, path.name)
        if reader.take(4) != b"GGUF" or reader.scalar(4) not in _VERSIONS:
            raise InvalidHeader(f"{path.name} is no GGUF file of version {' or '.join(map(str, _VERSIONS))}")
        tensor_count, entry_count = reader.count(), reader.count()
        metadata = {reader.string(): reader.value(reader.scalar(4)) for _ in range(entry_count)}
        offsets = [reader.tensor() for _ in range(tensor_count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
            raise InvalidHeader(f"{path.name}: its alignment is {alignment!r}")
        start = -(-reader.position // alignment) * alignment
        return _header(metadata, sorted(offsets), reader.size - start, path)


def _header(metadata: dict[str, Value], tensors: list[tuple[int, str]], data_bytes: int, path: Path) -> GgufHeader:
    """The size of a tensor is the distance to the next one, padding included."""
    if tensors and tensors[-1][0] >= data_bytes:
        raise InvalidHeader(f"{path.name}: a tensor lies outside the file; it is damaged or was not downloaded whole")
    layers: dict[int, int] = {}
    other = 0
    ends = [offset for offset, _ in tensors[1:]] + [data_bytes]
    for (offset, name), end in zip(tensors, ends, strict=True):
        if (found := _LAYER.match(name)) is not None:
            layers[int(found[1])] = layers.get(int(found[1]), 0) + end - offset
        else:
            other += end - offset
    return GgufHeader(metadata, tuple(layers[number] for number in sorted(layers)), other)


class _Reader:
    """Reads values from the start of the file, never beyond its end or ``MAX_HEADER_BYTES``."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file, self.size, self._name = file, size, name
        self.position = 0

    def take(self, count: int) -> bytes:
        self._advance(count)
        return self._file.read(count)

    def scalar(self, kind: int) -> int:
        code = _SCALARS[kind]
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]  # type: ignore[no-any-return]

    def count(self) -> int:
        found = self.scalar(10)
        if found > _MAX_ENTRIES:
            raise InvalidHeader(f"{self._name}: its header declares {found} entries")
        return found

    def string(self) -> str:
        return self.take(self.scalar(10)).decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise InvalidHeader(f"{self._name}: a value of the unknown type {kind}")
        return self.scalar(kind)

    def tensor(self) -> tuple[int, str]:
        """The offset and the name of a tensor. Its dimensions and its type are not needed."""
        name, dimensions = self.string(), self.scalar(4)
        if dimensions > _MAX_DIMENSIONS:
            raise InvalidHeader(f"{self._name}: the tensor {name[:60]!r} has {dimensions} dimensions")
        self._skip(8 * dimensions + 4)
        return self.scalar(10), name

    def _array(self) -> Value:
        kind, count = self.scalar(4), self.scalar(10)
        if count > _MAX_ARRAY_ITEMS or kind == _ARRAY:
            raise InvalidHeader(f"{self._name}: a list of {count} items of the type {kind}")
        if kind == _STRING:
            for _ in range(count):
                self._skip(self.scalar(10))
            return count
        if kind not in _SCALARS:
            raise InvalidHeader(f"{self._name}: a list of the unknown type {kind}")
        if kind in _INTEGERS and count <= _MAX_KEPT_ITEMS:
            return tuple(self.scalar(kind) for _ in range(count))
        self._skip(count * struct.calcsize(f"<{_SCALARS[kind]}"))
        return count

    def _skip(self, count: int) -> None:
        self._advance(count)
        self._file.seek(count, 1)

    def _advance(self, count: int) -> None:
        self.position += count
        if self.position > min(self.size, MAX_HEADER_BYTES):
            raise InvalidHeader(f"{self._name}: its header ends beyond the file; it is damaged or not downloaded whole")
