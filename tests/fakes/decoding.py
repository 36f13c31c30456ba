"""Decodes recordings in the process of the test; a secretary decodes in worker processes."""

from collections.abc import AsyncGenerator
from io import BytesIO

from deployments.audio.decode import decode_blocks, measure_seconds
from deployments.contracts.memory_file import MemoryFileReference


def decode_to_pcm16(data: bytes, rate: int = 16_000, max_seconds: float = 3_600) -> bytes:
    """The audio of a file as PCM16 mono. Raises UnsupportedAudio, TooLarge."""
    measure_seconds(BytesIO(data), max_seconds)
    return b"".join(decode_blocks(BytesIO(data), rate))


async def one_window(file: bytes | MemoryFileReference, max_seconds: float) -> AsyncGenerator[bytes]:
    """Stands for ``RecordingDecoder.windows``."""
    yield decode_to_pcm16(file if isinstance(file, bytes) else file.read(), max_seconds=max_seconds)
