"""Converts the PCM of an engine to SpeechChunks: blocks of equal length, numbered from 0. They say how far the text is
spoken when the engine does.

Text of spaces and pause marks becomes 100 ms of silence; the engine is not called. If the engine returns no audio, text
with a letter or digit raises NoSound, and other text (a single symbol) becomes silence.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import NoSound, SecretaryError
from deployments.contracts.streams import Closing

BLOCK_SECONDS = 0.2
PAUSE_SECONDS = 0.1
_PAUSE_MARKS = frozenset(".,;:!?…·-–—()[]{}<>\"'«»„“”‘’*_~|/\\¡¿。、！？")


@dataclass(frozen=True, slots=True)
class SpokenPcm:
    """PCM16 at whose end the share ``spoken`` of the text has been spoken."""

    audio: bytes
    spoken: float


PcmStream = AsyncIterator[bytes] | AsyncIterator[SpokenPcm] | AsyncIterator[bytes | SpokenPcm]


async def to_speech_chunks(
    text: str, format: AudioFormat, synthesize: Callable[[], PcmStream]
) -> AsyncIterator[SpeechChunk]:
    """Yields the chunks of ``synthesize()``, which yields PCM16 in pieces of any size. Raises NoSound."""
    sequence = 0
    if not is_silent(text):
        async with Closing(synthesize()) as pcm:
            async for block, spoken in _blocks(pcm, format):
                yield SpeechChunk(block, format, "" if sequence else text, sequence, spoken=spoken)
                sequence += 1
    if sequence == 0:
        if any(character.isalnum() for character in text):
            raise NoSound("the speech engine returned no audio for the text")
        yield SpeechChunk(format.silence(PAUSE_SECONDS), format, text, spoken=1.0)


def is_silent(text: str) -> bool:
    """True if ``text`` consists of spaces and pause marks."""
    return all(character.isspace() or character in _PAUSE_MARKS for character in text)


async def _blocks(pcm: PcmStream, format: AudioFormat) -> AsyncIterator[tuple[bytes, float | None]]:
    """Yields blocks of 200 ms, and how far the text is spoken at their ends. The last one or two are 100-300 ms, unless
    the whole audio is shorter than that. An error is raised after what was made before it."""
    buffer, progress, end, failure = bytearray(), _Progress(), 0, None
    try:
        async for piece in pcm:
            audio = piece if isinstance(piece, bytes) else piece.audio
            buffer += audio
            progress.add(len(audio), None if isinstance(piece, bytes) else piece.spoken)
            for block in _take_blocks(buffer, format):
                end += len(block)
                yield block, progress.spoken_at(end)
    except SecretaryError as error:  # what was made is heard, and the text goes on behind it
        failure = error
    else:
        progress.add(0, 1.0)
    size = len(buffer)
    if size > format.size(1.5 * BLOCK_SECONDS):
        half = size // 2 // format.bytes_per_frame * format.bytes_per_frame
        yield bytes(buffer[:half]), progress.spoken_at(end + half)
        end += half
        del buffer[:half]
    if buffer:
        yield bytes(buffer), progress.spoken_at(end + len(buffer)) if failure else 1.0
    if failure:
        raise failure


class _Progress:
    """How far the text is spoken at a byte of the audio: between two marks, in proportion."""

    def __init__(self) -> None:
        self._size = 0
        self._marks: list[tuple[int, float]] = [(0, 0.0)]

    def add(self, size: int, spoken: float | None) -> None:
        self._size += size
        if spoken is not None:
            self._marks.append((self._size, max(spoken, self._marks[-1][1])))

    def spoken_at(self, position: int) -> float | None:
        """None after the last mark."""
        while len(self._marks) > 1 and self._marks[1][0] <= position:
            self._marks.pop(0)
        start, spoken = self._marks[0]
        if start == position:
            return spoken
        if len(self._marks) == 1:
            return None
        end, then = self._marks[1]
        return spoken + (then - spoken) * (position - start) / (end - start)


def _take_blocks(buffer: bytearray, format: AudioFormat) -> Iterator[bytes]:
    """Removes whole blocks from ``buffer`` and keeps enough for a last block of at least half the length."""
    block, reserve = format.size(BLOCK_SECONDS), format.size(BLOCK_SECONDS / 2)
    while len(buffer) >= block + reserve:
        yield bytes(buffer[:block])
        del buffer[:block]
