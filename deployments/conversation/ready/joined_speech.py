"""Parts of a sentence that were spoken separately, as one stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from deployments.audio.joining import SoundJoiner
from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.streams import Closing, close_stream

_Block = tuple[bytes, AudioFormat]


async def join_speech(parts: Sequence[AsyncIterator[SpeechChunk]], text: str) -> AsyncGenerator[SpeechChunk]:
    """The sound of ``parts`` (PCM16 mono) without clicks, with ``text`` on the first chunk. Each part starts when the
    one before has ended. Parts at another sampling rate follow each other as they are."""
    sequence = 0
    async with Closing(_joined(parts)) as blocks:
        async for audio, audio_format in blocks:
            if audio:
                yield SpeechChunk(audio, audio_format, "" if sequence else text, sequence)
                sequence += 1


async def _joined(parts: Sequence[AsyncIterator[SpeechChunk]]) -> AsyncGenerator[_Block]:
    joiner: SoundJoiner | None = None
    audio_format: AudioFormat | None = None
    try:
        for part in parts:
            if joiner and audio_format:
                yield joiner.end_part(), audio_format
            async with Closing(part) as chunks:
                async for chunk in chunks:
                    if joiner is None or chunk.format != audio_format:
                        if joiner and audio_format:
                            yield joiner.finish(), audio_format
                        joiner, audio_format = SoundJoiner(chunk.format.rate), chunk.format
                    yield joiner.feed(chunk.audio), chunk.format
        if joiner and audio_format:
            yield joiner.finish(), audio_format
    finally:
        for part in parts:
            await close_stream(part)
