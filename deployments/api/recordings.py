"""Recordings from outside on their way to recognition."""

import asyncio
from dataclasses import replace

from deployments.audio.decode import decode_to_pcm16
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.speech import RecognitionRequest


async def decode_recording(
    data: bytes, max_seconds: float, options: RecognitionRequest | None = None
) -> RecognitionRequest:
    """``data``, any common sound file, as a request in 16 kHz PCM16 with the wishes of ``like``. Decodes in a thread.

    Raises UnsupportedAudio for what is no sound, TooLarge for more than ``max_seconds`` of it.
    """
    pcm = await asyncio.to_thread(decode_to_pcm16, data, PCM16_16K.rate, max_seconds)
    return replace(options or RecognitionRequest(b""), audio=pcm, format=PCM16_16K)
