"""Encoding of synthesised audio for clients. Compressing codecs run in a thread, PCM and WAV in place."""

import asyncio
import base64

from deployments.audio.convert import AudioConverter
from deployments.audio.encode import StreamEncoder, wav_file
from deployments.contracts.audio import PCM16_24K, AudioFormat, SpeechChunk

_UNCOMPRESSED = ("pcm", "wav")
_GROUP_BYTES = 6
"""Bytes in a multiple of base64 groups (3) and samples (2): texts can be joined, and each can be played by itself."""


class SpeechEncoder:
    """Encodes blocks to ``format`` (pcm, wav, mp3, opus, aac, flac) at the sample rate of the first block."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._encoder: StreamEncoder | None = None
        self._source = PCM16_24K
        self._converter: AudioConverter | None = None
        self.seconds = 0.0

    async def feed(self, chunk: SpeechChunk) -> bytes:
        """The bytes that ``chunk`` completes; may be empty."""
        self.seconds += chunk.seconds
        return self._feed(chunk) if self._format in _UNCOMPRESSED else await asyncio.to_thread(self._feed, chunk)

    async def finish(self) -> bytes:
        """The remaining bytes; a valid empty file when nothing was fed."""
        return self._finish() if self._format in _UNCOMPRESSED else await asyncio.to_thread(self._finish)

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
        """Resamples when the voice, and with it the sample rate, changes within an answer."""
        current = self._converter.source if self._converter else self._source
        tail = b""
        if chunk.format != current:
            tail = self._tail()
            self._converter = AudioConverter(chunk.format, self._source)
        return tail + (self._converter.feed(chunk.audio) if self._converter else chunk.audio)

    def _tail(self) -> bytes:
        return self._converter.finish() if self._converter else b""


class SpeechFileEncoder:
    """Encodes a whole file; unlike in a stream, a WAV header then holds the length."""

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
    """Encodes bytes to base64 texts that can be decoded one by one or joined."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> str:
        data = self._rest + data
        end = len(data) - len(data) % _GROUP_BYTES
        self._rest = data[end:]
        return base64.b64encode(data[:end]).decode()

    def finish(self) -> str:
        rest, self._rest = self._rest, b""
        return base64.b64encode(rest).decode()
