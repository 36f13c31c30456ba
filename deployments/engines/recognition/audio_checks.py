"""What every recognizer checks before it listens."""

from deployments.contracts.audio import AudioFormat, Encoding
from deployments.contracts.errors import UnsupportedAudio
from deployments.contracts.speech import RecognitionRequest


def require_pcm16(request: RecognitionRequest) -> AudioFormat:
    """The format of the sound. Raises UnsupportedAudio for container files, G.711 and cut samples.

    Container files are opened by ``adapters.Decoded``.
    """
    if request.format is None or request.format.encoding is not Encoding.PCM16:
        raise UnsupportedAudio("this recognizer takes PCM16 only; other sound has to be decoded first", param="file")
    if len(request.audio) % request.format.bytes_per_frame:
        raise UnsupportedAudio("the sound ends in the middle of a sample", param="file")
    return request.format
