"""Converts the PCM of an engine to SpeechChunks: blocks of equal length, numbered from 0.

Text of spaces and pause marks becomes 100 ms of silence; the engine is not called. If the engine returns no audio, text
with a letter or digit raises NoSound, and other text (a single symbol) becomes silence.
"""

from collections.abc import AsyncIterator, Callable, Iterator

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import NoSound
from deployments.contracts.streams import Closing

BLOCK_SECONDS = 0.2
PAUSE_SECONDS = 0.1
_PAUSE_MARKS = frozenset(".,;:!?…·-–—()[]{}<>\"'«»„“”‘’*_~|/\\¡¿。、！？")

PcmStream = AsyncIterator[bytes]


async def to_speech_chunks(
    text: str, format: AudioFormat, synthesize: Callable[[], PcmStream]
) -> AsyncIterator[SpeechChunk]:
    """Yields the chunks of ``synthesize()``, which yields PCM16 in pieces of any size. Raises NoSound."""
    sequence = 0
    if not is_silent(text):
        async with Closing(synthesize()) as pcm:
            async for block in _blocks(pcm, format):
                yield SpeechChunk(block, format, "" if sequence else text, sequence)
                sequence += 1
    if sequence == 0:
        if any(character.isalnum() for character in text):
            raise NoSound("the speech engine returned no audio for the text")
        yield SpeechChunk(format.silence(PAUSE_SECONDS), format, text)


def is_silent(text: str) -> bool:
    """True if ``text`` consists of spaces and pause marks."""
    return all(character.isspace() or character in _PAUSE_MARKS for character in text)


async def _blocks(pcm: PcmStream, format: AudioFormat) -> AsyncIterator[bytes]:
    """Yields blocks of 200 ms. The last one or two are 100-300 ms, unless the whole audio is shorter than that."""
    buffer = bytearray()
    async for piece in pcm:
        buffer += piece
        for block in _take_blocks(buffer, format):
            yield block
    size = len(buffer)
    if size > format.size(1.5 * BLOCK_SECONDS):
        half = size // 2 // format.bytes_per_frame * format.bytes_per_frame
        yield bytes(buffer[:half])
        del buffer[:half]
    if buffer:
        yield bytes(buffer)


def _take_blocks(buffer: bytearray, format: AudioFormat) -> Iterator[bytes]:
    """Removes whole blocks from ``buffer`` and keeps enough for a last block of at least half the length."""
    block, reserve = format.size(BLOCK_SECONDS), format.size(BLOCK_SECONDS / 2)
    while len(buffer) >= block + reserve:
        yield bytes(buffer[:block])
        del buffer[:block]
