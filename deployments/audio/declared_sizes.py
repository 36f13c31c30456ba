"""Checks the sizes that the chunks of a WAV or AIFF file declare against the size of the file.

FFmpeg allocates the declared size of some chunks before it reads them.
"""

from mmap import mmap
from struct import Struct

from deployments.contracts.errors import UnsupportedAudio

_LITTLE, _BIG = Struct("<4sI"), Struct(">4sI")
_HEADERS = {b"RIFF": _LITTLE, b"RIFX": _BIG, b"FORM": _BIG}
_FIRST_CHUNK = 12
_SAMPLES = frozenset((b"data", b"SSND"))
"""Chunks with samples. A streamed file declares the largest possible size, since its length was not known."""
_TRUNCATED_BYTES = 1 << 20


def require_honest_sizes(data: bytes | memoryview | mmap) -> None:
    """Raises UnsupportedAudio when a chunk declares much more than the file has. A truncated file passes."""
    header = _HEADERS.get(bytes(data[:4]))
    if header is None:
        return
    position = _FIRST_CHUNK
    while position + header.size <= len(data):
        name, size = header.unpack_from(data, position)
        position += header.size
        if name not in _SAMPLES and size > len(data) - position + _TRUNCATED_BYTES:
            raise UnsupportedAudio("a chunk of the file declares more bytes than the file has", param="file")
        position += size + size % 2
