"""Synthesized blocks of any rate as one stream of sound."""

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import AudioFormat, SpeechChunk


class PcmConverter:
    """Converts blocks of any rate to ``target``, which has one channel. Too loud samples are clipped. The rate may
    change between blocks."""

    def __init__(self, target: AudioFormat) -> None:
        self._target = target
        self._converter: AudioConverter | None = None

    def feed(self, chunk: SpeechChunk) -> bytes:
        """The bytes that are complete after ``chunk``. They lag up to 120 ms behind when the rates differ."""
        tail = b""
        if self._converter is None or self._converter.source != chunk.format:
            tail = self.finish()
            self._converter = AudioConverter(chunk.format, self._target)
        return tail + self._converter.feed(chunk.audio)

    def finish(self) -> bytes:
        """The remaining bytes."""
        return self._converter.finish() if self._converter else b""
