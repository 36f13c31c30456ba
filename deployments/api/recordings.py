"""Decoding of uploaded recordings for speech recognition."""

import asyncio
from dataclasses import replace

from deployments.audio.decode import decode_to_pcm16
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.speech import RecognitionRequest


async def decode_recording(
    data: bytes, max_seconds: float, options: RecognitionRequest | None = None
) -> RecognitionRequest:
    """Decodes an audio file in a thread to 16 kHz PCM16. ``options`` gives the other fields of the request.

    Raises UnsupportedAudio for data that is not audio, TooLarge for more than ``max_seconds`` seconds.
    """
    pcm = await asyncio.to_thread(decode_to_pcm16, data, PCM16_16K.rate, max_seconds)
    return replace(options or RecognitionRequest(b""), audio=pcm, format=PCM16_16K)
