"""Validates the audio of a recognition request."""

from deployments.contracts.audio import AudioFormat, Encoding
from deployments.contracts.errors import UnsupportedAudio
from deployments.contracts.speech import RecognitionRequest


def require_pcm16(request: RecognitionRequest) -> AudioFormat:
    """Returns the audio format. Raises UnsupportedAudio for audio files, G.711 and incomplete samples.

    ``adapters.DecodingRecognizer`` decodes audio files.
    """
    if request.format is None or request.format.encoding is not Encoding.PCM16:
        raise UnsupportedAudio("this recognizer accepts PCM16 only; decode other audio first", param="file")
    if len(request.audio) % request.format.bytes_per_frame:
        raise UnsupportedAudio("the audio ends in the middle of a sample", param="file")
    return request.format
