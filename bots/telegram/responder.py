"""Turns Telegram messages into turns of the assistant and collects the answers. Sends nothing to Telegram."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiogram.types import Message

from bots.telegram.addressing import bot_source, display_name, person_id, quoted_text
from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.chat import ChatMessage, ChatTurn
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineTimeout, SecretaryError
from deployments.contracts.events import AnswerMatched, SpeechReady, TextDelta, TurnEvent, TurnFailed, TurnFinished
from deployments.contracts.instances import BotSpec
from deployments.contracts.memory_file import MemoryFileReference
from deployments.contracts.sessions import Conversation, ConversationStore, HeardMessage
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.contracts.streams import Closing

log = logging.getLogger(__name__)

_MAX_QUOTED_CHARS = 2_000

EncodeVoiceNote = Callable[[bytes, AudioFormat], bytes]


@dataclass(slots=True)
class BotAnswer:
    """The answer received so far. ``failure`` is set when the turn failed, possibly after some text. ``session_id`` is
    "" without the office; ``keeps_recording``: the sound of the question is to be kept."""

    turn_id: str
    session_id: str = ""
    keeps_recording: bool = False
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
    """The number of open conversations (None when the office is not available) and the names of engines that are not
    ready."""

    conversation_count: int | None
    engines_not_ready: tuple[str, ...]


class BotResponder:
    """Answers messages for one bot. ``turn_timeout_s`` bounds each turn and each transcription. Answers longer than
    ``max_voice_s`` seconds are not spoken."""

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
        self._turn_timeout_s = turn_timeout_s
        self._max_voice_s = max_voice_s

    @property
    def speaks(self) -> bool:
        return self._encode is not None and self._spec.answer_voice_with_voice

    async def restart(self, message: Message) -> None:
        await self._conversations.restart(bot_source(self._spec.id), person_id(message), display_name(message))

    async def switch_mode(self, message: Message, mode: str) -> None:
        """Sets the mode of the sender's conversation, "" for none. Raises Unavailable without the office."""
        await self._conversations.set_mode(bot_source(self._spec.id), person_id(message), mode, display_name(message))

    async def leave_mode(self, message: Message) -> None:
        """Ends the mode of the sender's conversation, if the bot has modes. Raises Unavailable without the office."""
        if self._spec.action_buttons:
            await self.switch_mode(message, "")

    async def backend_status(self) -> BackendStatus:
        """The status of the office and the engines. Raises nothing when the office is not available."""
        conversation_count: int | None = None
        with suppress(SecretaryError):
            conversation_count = await self._conversations.count(bot_source(self._spec.id))
        return BackendStatus(
            conversation_count, tuple(each.name for each in await self._assistant.status() if not each.ready)
        )

    async def answer(self, message: Message, question: str, *, speak: bool = False) -> BotAnswer:
        """The complete answer to ``question``. Raises ModelNotFound, EngineTimeout and the assistant's errors."""
        started = time.perf_counter()
        conversation = await self._open_conversation(message)
        turn = self._build_turn(conversation, message, question, speak and self.speaks)
        answer = BotAnswer(turn.turn_id, conversation.session_id, conversation.keeps_recordings)
        try:
            async with _turn_timeout(self._turn_timeout_s), Closing(self._assistant.reply(turn)) as events:
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

    async def transcribe(self, file: MemoryFileReference) -> str:
        """The text of an audio file, which stays open meanwhile; empty when there is no speech."""
        text = ""
        stream = self._assistant.transcribe(RecognitionRequest(file=file))
        async with _turn_timeout(self._turn_timeout_s), Closing(stream) as events:
            async for event in events:
                if isinstance(event, TranscriptFinished):
                    text = event.text
        return text.strip()

    async def voice_note(self, answer: BotAnswer) -> bytes | None:
        """The spoken answer as an OGG/Opus file; None without audio or above ``max_voice_s``."""
        formats = {chunk.format for chunk in answer.chunks}
        if self._encode is None or len(formats) != 1 or answer.audio_s > self._max_voice_s:
            return None
        pcm = b"".join(chunk.audio for chunk in answer.chunks)
        return await asyncio.to_thread(self._encode, pcm, formats.pop()) if pcm else None

    async def keep_recording(self, answer: BotAnswer, audio: bytes, media_type: str, seconds: float, text: str) -> None:
        """Keeps the sound of the question. A failure is only logged: the answer was sent."""
        heard = HeardMessage(answer.session_id, answer.turn_id, audio, media_type, seconds, text)
        try:
            await self._conversations.keep_recording(heard)
        except (SecretaryError, OSError) as error:
            log.warning("turn %s: the recording is not kept: %s", answer.turn_id, type(error).__name__)

    def _build_turn(self, conversation: Conversation, message: Message, question: str, speak: bool) -> ChatTurn:
        return ChatTurn(
            turn_id=uuid.uuid4().hex,
            source=bot_source(self._spec.id),
            messages=(*conversation.messages, *self._quoted(message), ChatMessage("user", question)),
            session_id=conversation.session_id or None,
            speak=speak,
            voice_id=self._spec.voice_id or None,
            preset=self._spec.tts_preset or None,
            overrides=(conversation.overrides, *self._spec.overrides(conversation.mode)),
        )

    def _quoted(self, message: Message) -> tuple[ChatMessage, ...]:
        """The message that the sender replies to, before the question. The question itself stays as it is: FAQ entries
        match the words of the sender."""
        text = quoted_text(message)[:_MAX_QUOTED_CHARS]
        return (ChatMessage("user", bot_texts(self._spec.language).quoted.replace("{text}", text)),) if text else ()

    async def _open_conversation(self, message: Message) -> Conversation:
        """The sender's conversation; an empty one when the office is not available."""
        try:
            return await self._conversations.open(bot_source(self._spec.id), person_id(message), display_name(message))
        except SecretaryError as error:
            log.warning("bot %s answers without history: %s", self._spec.id, error.code)
            return Conversation("")


@asynccontextmanager
async def _turn_timeout(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise EngineTimeout(f"no complete answer within {seconds:.0f} s") from error
