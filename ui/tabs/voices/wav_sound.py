"""WAV files of recordings as sound for the player of the page."""

import asyncio
import wave
from pathlib import Path

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import NotFound

Sound = tuple[bytes, AudioFormat]


async def read_wav(path: Path) -> Sound:
    """The samples of a PCM16 file. Raises NotFound when it cannot be read."""
    return await asyncio.to_thread(_read, path)


def _read(path: Path) -> Sound:
    try:
        with wave.open(str(path), "rb") as file:
            return file.readframes(file.getnframes()), AudioFormat(file.getframerate(), file.getnchannels())
    except (OSError, EOFError, wave.Error):
        raise NotFound("the recording cannot be read") from None
