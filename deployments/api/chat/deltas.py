"""Stream chunks of an answer: text deltas, or transcript and audio deltas of a spoken answer.

A spoken message has no ``content``; its text is the transcript. The first delta carries the audio id, the last one the
expiry.
"""

from deployments.api.chat.collector import AnswerEvent
from deployments.api.chat.completion import CompletionChunks, audio_id
from deployments.api.speech_encoding import Base64StreamEncoder, SpeechEncoder
from deployments.contracts.events import SpeechReady, TextDelta, ToolCallDelta


class TextDeltas:
    """Chunks of a written answer."""

    def __init__(self, chunks: CompletionChunks) -> None:
        self._chunks = chunks

    def start(self, first: AnswerEvent) -> bytes:
        """The first delta, with the role. ``content`` is null when the answer starts with a tool call."""
        content = None if isinstance(first, ToolCallDelta) else ""
        return self._chunks.delta({"role": "assistant", "content": content, "refusal": None})

    async def feed(self, event: TextDelta | ToolCallDelta | SpeechReady) -> bytes:
        """The chunk of ``event``; empty for audio."""
        if isinstance(event, ToolCallDelta):
            return self._chunks.tool_call(event)
        return self._chunks.text(event.text) if isinstance(event, TextDelta) else b""

    async def finish(self) -> bytes:
        return b""


class SpeechDeltas:
    """Chunks of a spoken answer. ``format`` is an encoder format. Audio is not stored, so it expires at ``created``."""

    def __init__(self, chunks: CompletionChunks, format: str, turn_id: str, created: int) -> None:
        self._chunks = chunks
        self._id = audio_id(turn_id)
        self._created = created
        self._encoder = SpeechEncoder(format)
        self._base64 = Base64StreamEncoder()
        self._has_audio = self._calls_tools = False

    def start(self, first: AnswerEvent) -> bytes:
        """The first delta, with the role and the audio id. An answer of tool calls has no audio."""
        if isinstance(first, ToolCallDelta):
            return self._chunks.delta({"role": "assistant", "content": None, "refusal": None})
        audio = {"id": self._id, "transcript": ""}
        return self._chunks.delta({"role": "assistant", "content": None, "refusal": None, "audio": audio})

    async def feed(self, event: TextDelta | ToolCallDelta | SpeechReady) -> bytes:
        """The chunk of ``event``; empty while the encoder holds the audio back."""
        if isinstance(event, ToolCallDelta):
            self._calls_tools = True
            return self._chunks.tool_call(event)
        self._has_audio = True
        if isinstance(event, TextDelta):
            return self._audio({"transcript": event.text})
        return self._data(self._base64.feed(await self._encoder.feed(event.chunk)))

    async def finish(self) -> bytes:
        """The rest of the audio and the expiry."""
        if self._calls_tools and not self._has_audio:
            return b""
        last = self._base64.feed(await self._encoder.finish()) + self._base64.finish()
        return self._data(last) + self._audio({"expires_at": self._created})

    def _data(self, text: str) -> bytes:
        return self._audio({"data": text}) if text else b""

    def _audio(self, fields: dict[str, object]) -> bytes:
        return self._chunks.delta({"audio": fields})
