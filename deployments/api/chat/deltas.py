"""A spoken answer, delta by delta: transcript pieces as text is generated, sound as it is synthesised.

The first delta carries the id, the last one the expiry; the message has no ``content``, its text is the transcript.
"""

from deployments.api.chat.completion import CompletionChunks, audio_id
from deployments.api.speech_encoding import Base64StreamEncoder, SpeechEncoder
from deployments.contracts.events import SpeechReady, TextDelta


class SpeechDeltas:
    """``format`` is a format of the encoder; ``created`` becomes the expiry, because the sound is not kept."""

    def __init__(self, chunks: CompletionChunks, format: str, turn_id: str, created: int) -> None:
        self._chunks = chunks
        self._id = audio_id(turn_id)
        self._created = created
        self._encoder = SpeechEncoder(format)
        self._pieces = Base64StreamEncoder()

    def start(self) -> bytes:
        audio = {"id": self._id, "transcript": ""}
        return self._chunks.delta({"role": "assistant", "content": None, "refusal": None, "audio": audio})

    async def feed(self, event: TextDelta | SpeechReady) -> bytes:
        if isinstance(event, TextDelta):
            return self._audio({"transcript": event.text})
        return self._data(self._pieces.feed(await self._encoder.feed(event.chunk)))

    async def finish(self) -> bytes:
        last = self._pieces.feed(await self._encoder.finish()) + self._pieces.finish()
        return self._data(last) + self._audio({"expires_at": self._created})

    def _data(self, piece: str) -> bytes:
        return self._audio({"data": piece}) if piece else b""

    def _audio(self, fields: dict[str, object]) -> bytes:
        return self._chunks.delta({"audio": fields})
