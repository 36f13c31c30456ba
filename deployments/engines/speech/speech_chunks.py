"""From raw PCM of an engine to the SpeechChunks of the contract: even blocks, numbering, and the silence rule.

Text that has nothing to say (only spaces and pause marks) becomes 100 ms of silence without asking the engine. Text
with a letter or digit that gives no sound at all is a broken engine; other text without sound (a lone symbol) is
silence too.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import NoSound

BLOCK_SECONDS = 0.2
PAUSE_SECONDS = 0.1
_PAUSE_MARKS = frozenset(".,;:!?…·-–—()[]{}<>\"'«»„“”‘’*_~|/\\¡¿。、！？")

PcmGenerator = AsyncGenerator[bytes, None]


async def to_speech_chunks(
    text: str, format: AudioFormat, synthesize: Callable[[], PcmGenerator]
) -> AsyncIterator[SpeechChunk]:
    """The blocks of ``synthesize()``, which yields PCM in pieces of any size. Raises NoSound."""
    sequence = 0
    if not is_silent(text):
        pcm = synthesize()
        try:
            async for block in _blocks(pcm, format):
                yield SpeechChunk(block, format, "" if sequence else text, sequence)
                sequence += 1
        finally:
            await pcm.aclose()
    if sequence == 0:
        if any(character.isalnum() for character in text):
            raise NoSound("the speech engine gave no sound for a text")
        yield SpeechChunk(format.silence(PAUSE_SECONDS), format, text)


def is_silent(text: str) -> bool:
    """True when ``text`` is nothing but spaces and pause marks."""
    return all(character.isspace() or character in _PAUSE_MARKS for character in text)


async def _blocks(pcm: PcmGenerator, format: AudioFormat) -> AsyncIterator[bytes]:
    """Blocks of 200 ms; the last one takes up a remainder, so it is 100-300 ms unless the whole sound is shorter."""
    waiting = bytearray()
    async for piece in pcm:
        waiting += piece
        for block in _ripe(waiting, format):
            yield block
    size = len(waiting)
    if size > format.size(1.5 * BLOCK_SECONDS):
        half = size // 2 // format.bytes_per_frame * format.bytes_per_frame
        yield bytes(waiting[:half])
        del waiting[:half]
    if waiting:
        yield bytes(waiting)


def _ripe(waiting: bytearray, format: AudioFormat) -> Iterator[bytes]:
    """Cuts off whole blocks, always leaving enough for a last block that is not too short."""
    block, kept = format.size(BLOCK_SECONDS), format.size(BLOCK_SECONDS / 2)
    while len(waiting) >= block + kept:
        yield bytes(waiting[:block])
        del waiting[:block]
