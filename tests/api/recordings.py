"""Recordings as test data."""

import base64
import io
import wave

from tests.fakes.assistant import tone


def recording_part(data: bytes) -> dict[str, object]:
    audio = {"data": base64.b64encode(data).decode(), "format": "wav"}
    return {"type": "input_audio", "input_audio": audio}


def wav_bytes(length: float = 0.5) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(tone(0.5) * round(length / 0.5))
    return buffer.getvalue()
