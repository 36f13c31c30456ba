"""Synthesised blocks to the bytes a client asked for. Codecs work in a thread, plain samples in place."""

import asyncio
import base64

from deployments.audio.convert import AudioConverter
from deployments.audio.encode import StreamEncoder, wav_file
from deployments.contracts.audio import PCM16_24K, AudioFormat, SpeechChunk

_PLAIN = ("pcm", "wav")
_TRIPLE_AND_SAMPLE = 6
"""Base64 pieces of whole 3-byte groups can be joined as text; whole 2-byte samples can be played one by one."""


class SpeechEncoder:
    """Blocks in, bytes of ``format`` (pcm, wav, mp3, opus, aac, flac) out. The rate of the first block is kept."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._encoder: StreamEncoder | None = None
        self._source = PCM16_24K
        self._converter: AudioConverter | None = None
        self.seconds = 0.0

    async def feed(self, chunk: SpeechChunk) -> bytes:
        """What ``chunk`` completes; may be empty."""
        self.seconds += chunk.seconds
        return self._feed(chunk) if self._format in _PLAIN else await asyncio.to_thread(self._feed, chunk)

    async def finish(self) -> bytes:
        """The rest; a valid empty file when nothing was fed."""
        return self._finish() if self._format in _PLAIN else await asyncio.to_thread(self._finish)

    def _feed(self, chunk: SpeechChunk) -> bytes:
        if self._encoder is None:
            self._source = chunk.format
            self._encoder = StreamEncoder(self._format, chunk.format)
        return self._encoder.feed(self._in_source_format(chunk))

    def _finish(self) -> bytes:
        if self._encoder is None:
            self._encoder = StreamEncoder(self._format, self._source)
        return self._encoder.feed(self._tail()) + self._encoder.finish()

    def _in_source_format(self, chunk: SpeechChunk) -> bytes:
        """Another voice may speak at another rate in the middle of an answer."""
        current = self._converter.source if self._converter else self._source
        tail = b""
        if chunk.format != current:
            tail = self._tail()
            self._converter = AudioConverter(chunk.format, self._source)
        return tail + (self._converter.feed(chunk.audio) if self._converter else chunk.audio)

    def _tail(self) -> bytes:
        return self._converter.finish() if self._converter else b""


class SpeechFileEncoder:
    """Like SpeechEncoder, for a file that is sent at once: a wav file then says how long it is."""

    def __init__(self, format: str) -> None:
        self._wav = format == "wav"
        self._encoder = SpeechEncoder("pcm" if self._wav else format)
        self._parts: list[bytes] = []

    async def feed(self, chunk: SpeechChunk) -> None:
        self._parts.append(await self._encoder.feed(chunk))

    async def finish(self) -> bytes:
        self._parts.append(await self._encoder.finish())
        data = b"".join(self._parts)
        return wav_file(data, AudioFormat(PCM16_24K.rate)) if self._wav else data


class Base64StreamEncoder:
    """Bytes to base64 texts that can be decoded one by one or joined."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> str:
        data = self._rest + data
        end = len(data) - len(data) % _TRIPLE_AND_SAMPLE
        self._rest = data[end:]
        return base64.b64encode(data[:end]).decode()

    def finish(self) -> str:
        rest, self._rest = self._rest, b""
        return base64.b64encode(rest).decode()
