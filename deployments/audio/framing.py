"""Splits a stream of audio into frames of equal length for telephony (RFC 3551: 20 ms by default)."""

from deployments.contracts.audio import AudioFormat


class Framer:
    """Splits blocks of any length into frames of ``frame_ms`` milliseconds.

    The joined frames are the input followed by silence. Raises ValueError when ``frame_ms`` is shorter than one sample.
    """

    def __init__(self, format: AudioFormat, frame_ms: int = 20) -> None:
        self.format = format
        self.frame_size = format.rate * frame_ms // 1000 * format.bytes_per_frame
        if self.frame_size <= 0:
            raise ValueError(f"a frame of {frame_ms} ms at {format.rate} Hz holds no sample")
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Number of bytes of the incomplete frame, always less than ``frame_size``."""
        return len(self._buffer)

    def feed(self, audio: bytes) -> list[bytes]:
        """Returns the frames that ``audio`` completes."""
        self._buffer += audio
        size = self.frame_size
        end = len(self._buffer) - len(self._buffer) % size
        frames = [bytes(self._buffer[start : start + size]) for start in range(0, end, size)]
        del self._buffer[:end]
        return frames

    def finish(self) -> list[bytes]:
        """Returns the incomplete frame, padded with silence, or nothing. Resets the framer."""
        if not self._buffer:
            return []
        whole = len(self._buffer) - len(self._buffer) % self.format.bytes_per_frame
        silence = self.format.silence(self.frame_size / self.format.bytes_per_second)
        frame = bytes(self._buffer[:whole]) + silence[whole:]
        self._buffer.clear()
        return [frame]

    def clear(self) -> None:
        """Discards the incomplete frame, for example after an interruption."""
        self._buffer.clear()
