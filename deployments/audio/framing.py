"""Cutting a stream of sound into frames of equal length, as telephony wants them (RFC 3551: 20 ms by default)."""

from deployments.contracts.audio import AudioFormat


class Framer:
    """Bytes of any length in, frames of exactly ``frame_ms`` milliseconds out.

    Raises ValueError when ``frame_ms`` is shorter than one sample. Nothing is lost or repeated: the frames joined are
    the input, plus silence at the very end.
    """

    def __init__(self, format: AudioFormat, frame_ms: int = 20) -> None:
        self.format = format
        self.frame_size = format.rate * frame_ms // 1000 * format.bytes_per_frame
        if self.frame_size <= 0:
            raise ValueError(f"a frame of {frame_ms} ms at {format.rate} Hz holds no sample")
        self._rest = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame; always fewer than ``frame_size``."""
        return len(self._rest)

    def feed(self, audio: bytes) -> list[bytes]:
        """The frames that ``audio`` completes."""
        self._rest += audio
        size = self.frame_size
        end = len(self._rest) - len(self._rest) % size
        frames = [bytes(self._rest[start : start + size]) for start in range(0, end, size)]
        del self._rest[:end]
        return frames

    def finish(self) -> list[bytes]:
        """The last frame, filled up with the codec's own silence, or nothing. Ready for a new stream afterwards."""
        if not self._rest:
            return []
        whole = len(self._rest) - len(self._rest) % self.format.bytes_per_frame
        silence = self.format.silence(self.frame_size / self.format.bytes_per_second)
        frame = bytes(self._rest[:whole]) + silence[whole:]
        self._rest.clear()
        return [frame]

    def clear(self) -> None:
        """Forgets the unfinished frame (the caller interrupted)."""
        self._rest.clear()
