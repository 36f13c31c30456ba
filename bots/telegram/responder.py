"""One turn between a person on Telegram and the assistant: history in, text and sound out. Knows nothing of sending."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiogram.types import Message

from bots.telegram.addressing import bot_source, display_name, person_id
from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.chat import ChatMessage, ChatTurn
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineTimeout, SecretaryError
from deployments.contracts.events import AnswerMatched, SpeechReady, TextDelta, TurnEvent, TurnFailed, TurnFinished
from deployments.contracts.instances import BotSpec
from deployments.contracts.sessions import Conversation, ConversationStore
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

EncodeVoiceNote = Callable[[bytes, AudioFormat], bytes]


@dataclass(slots=True)
class BotAnswer:
    """What came back so far. ``failure`` is set when the turn broke off, possibly after some text."""

    turn_id: str
    text: str = ""
    chunks: list[SpeechChunk] = field(default_factory=list)
    route: str = ""
    failure: TurnFailed | None = None

    def apply(self, event: TurnEvent) -> None:
        match event:
            case TextDelta(text=text):
                self.text += text
            case SpeechReady(chunk=chunk):
                self.chunks.append(chunk)
            case TurnFinished(route=route):
                self.route = route
            case TurnFailed():
                self.failure = event
            case AnswerMatched(match=match):
                self.route = f"faq:{match.entry_id}"

    @property
    def audio_s(self) -> float:
        return sum(chunk.seconds for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """What stands behind a bot: how many conversations are running (None when the office cannot be asked) and the names
    of engines that are not ready."""

    conversation_count: int | None
    engines_not_ready: tuple[str, ...]


class BotResponder:
    """Turns messages into answers for one bot. ``turn_s`` bounds each question and each transcription."""

    def __init__(
        self,
        spec: BotSpec,
        assistant: Assistant,
        conversations: ConversationStore,
        encode_voice_note: EncodeVoiceNote | None,
        turn_timeout_s: float,
        max_voice_s: float,
    ) -> None:
        self._spec = spec
        self._assistant = assistant
        self._conversations = conversations
        self._encode = encode_voice_note
        self._turn_s = turn_timeout_s
        self._longest_voice_s = max_voice_s

    @property
    def speaks(self) -> bool:
        return self._encode is not None and self._spec.answer_voice_with_voice

    async def restart(self, message: Message) -> None:
        await self._conversations.restart(bot_source(self._spec.id), person_id(message), display_name(message))

    async def switch_mode(self, message: Message, mode: str) -> None:
        """Puts the person into ``mode``, "" for none. Raises Unavailable without the office."""
        await self._conversations.set_mode(bot_source(self._spec.id), person_id(message), mode, display_name(message))

    async def leave_mode(self, message: Message) -> None:
        """Ends the mode that the person may be in; a bot without buttons has none. Raises Unavailable."""
        if self._spec.action_buttons:
            await self.switch_mode(message, "")

    async def backend_status(self) -> BackendStatus:
        """Raises nothing: what cannot be asked is not known."""
        sessions: int | None = None
        with suppress(SecretaryError):
            sessions = await self._conversations.count(bot_source(self._spec.id))
        return BackendStatus(sessions, tuple(each.name for each in await self._assistant.status() if not each.ready))

    async def answer(self, message: Message, question: str, *, speak: bool = False) -> BotAnswer:
        """The whole answer to ``question``. Raises ModelNotFound, EngineTimeout and what the assistant raises."""
        started = time.perf_counter()
        turn = await self._turn(message, question, speak and self.speaks)
        answer = BotAnswer(turn.turn_id)
        try:
            async with _limit(self._turn_s), Closing(self._assistant.reply(turn)) as events:
                async for event in events:
                    answer.apply(event)
        finally:
            log.info(
                "turn %s source=telegram bot=%s route=%s outcome=%s total_ms=%.0f",
                turn.turn_id,
                self._spec.id,
                answer.route,
                answer.failure.code if answer.failure else "answered" if answer.text else "empty",
                (time.perf_counter() - started) * 1000,
            )
        return answer

    async def transcribe(self, sound: bytes) -> str:
        """The words in an audio file; empty when there are none."""
        text = ""
        stream = self._assistant.transcribe(RecognitionRequest(sound))
        async with _limit(self._turn_s), Closing(stream) as events:
            async for event in events:
                if isinstance(event, TranscriptFinished):
                    text = event.text
        return text.strip()

    async def voice_note(self, answer: BotAnswer) -> bytes | None:
        """The spoken answer as OGG/Opus; None when there is no sound or more than anyone would listen to."""
        formats = {chunk.format for chunk in answer.chunks}
        if self._encode is None or len(formats) != 1 or answer.audio_s > self._longest_voice_s:
            return None
        pcm = b"".join(chunk.audio for chunk in answer.chunks)
        return await asyncio.to_thread(self._encode, pcm, formats.pop()) if pcm else None

    async def _turn(self, message: Message, question: str, speak: bool) -> ChatTurn:
        conversation = await self._open(message)
        return ChatTurn(
            turn_id=uuid.uuid4().hex,
            source=bot_source(self._spec.id),
            messages=(*conversation.messages, ChatMessage("user", question)),
            session_id=conversation.session_id or None,
            speak=speak,
            voice_id=self._spec.voice_id or None,
            preset=self._spec.tts_preset or None,
            overrides=(conversation.overrides, *self._spec.overrides(conversation.mode)),
        )

    async def _open(self, message: Message) -> Conversation:
        """The person's conversation; without the office an answer without memory beats no answer."""
        try:
            return await self._conversations.open(bot_source(self._spec.id), person_id(message), display_name(message))
        except SecretaryError as error:
            log.warning("bot %s answers without history: %s", self._spec.id, error.code)
            return Conversation("")


@asynccontextmanager
async def _limit(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise EngineTimeout(f"no complete answer within {seconds:.0f} s") from error
