"""A scripted assistant and conversations in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from aiohttp.abc import AbstractResolver, ResolveResult

from bots.connections import BotConnections
from deployments.contracts.audio import PCM16_24K, SpeechChunk
from deployments.contracts.chat import ChatMessage, ChatTurn, Overrides, TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import SpeechReady, TextDelta, TurnEvent, TurnFinished, TurnStarted
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.sessions import Conversation, HeardMessage
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Voice,
)
from deployments.outbound.policy import OutboundPolicy
from tests.bots.bot_api_json import TOKEN

Script = Callable[[ChatTurn], AsyncIterator[TurnEvent]]
LOOPBACK_POLICY = OutboundPolicy((AllowedHost.parse("127.0.0.1"),))
"""Allows requests to the local Bot API server."""
TONE_S = 0.5


async def echo(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
    """Answers "Ответ: <question>" in two deltas, and half a second of a 440 Hz tone when asked to speak."""
    yield TurnStarted(turn.turn_id)
    yield TextDelta("Ответ: ")
    yield TextDelta(turn.question)
    if turn.speak:
        yield SpeechReady(tone(), "piper-ru")
    yield TurnFinished(route="local")


def tone(seconds: float = TONE_S) -> SpeechChunk:
    import numpy as np

    time = np.arange(int(seconds * PCM16_24K.rate)) / PCM16_24K.rate
    wave = (np.sin(2 * np.pi * 440 * time) * 12_000).astype("<i2")
    return SpeechChunk(wave.tobytes(), PCM16_24K, "тон")


@dataclass
class ScriptedBotAssistant:
    """Runs ``script`` for every turn and returns ``transcript`` for every recording. Stores all requests."""

    script: Script = echo
    transcript: str = "какой у вас адрес"
    transcription_error: SecretaryError | None = None
    engines: tuple[EngineStatus, ...] = ()
    turns: list[ChatTurn] = field(default_factory=list)
    recognition_requests: list[RecognitionRequest] = field(default_factory=list)
    running: int = 0
    max_running: int = 0
    closed: int = 0

    async def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        self.turns.append(turn)
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        try:
            async for event in self.script(turn):
                yield event
        finally:
            self.running -= 1
            self.closed += 1

    async def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        yield tone()

    async def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        if request.file is not None:  # closed when the message is answered
            request = replace(request, audio=request.file.read(), file=None)
        self.recognition_requests.append(request)
        if self.transcription_error is not None:
            raise self.transcription_error
        yield TranscriptSegment(0, self.transcript, 0, 1)
        yield TranscriptFinished(self.transcript, "ru", 1.0)

    def voices(self) -> tuple[Voice, ...]:
        return ()

    async def status(self) -> tuple[EngineStatus, ...]:
        return self.engines


@dataclass
class MemoryConversations:
    """Conversations that start with ``history`` and survive a restart of the bot. Calls raise ``error`` if set."""

    history: tuple[ChatMessage, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)
    modes: dict[str, str] = field(default_factory=dict)
    error: SecretaryError | None = None
    opened: list[tuple[TurnSource, str, str]] = field(default_factory=list)
    restarted: list[tuple[TurnSource, str, str]] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    keeps_recordings: bool = False
    kept: list[HeardMessage] = field(default_factory=list)

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        if self.error is not None:
            raise self.error
        self.opened.append((source, person, display_name))
        mode = self.modes.get(person, "")
        return Conversation(f"session-{person}", self.history, self.overrides, mode, self.keeps_recordings)

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        if self.error is not None:
            raise self.error
        self.restarted.append((source, person, display_name))
        self.modes.pop(person, None)
        return Conversation(f"session-{person}-2")

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        if self.error is not None:
            raise self.error
        self.modes[person] = mode

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        self.moved.append((chat, to))

    async def keep_recording(self, heard: HeardMessage) -> None:
        self.kept.append(heard)

    async def count(self, source: TurnSource) -> int:
        if self.error is not None:
            raise self.error
        return len({person for _, person, _ in self.opened})


def slow_script(seconds: float) -> Script:
    """The echo after a delay of ``seconds``."""

    async def script(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        await asyncio.sleep(seconds)
        async for event in echo(turn):
            yield event

    return script


async def connect() -> BotConnections:
    """The connections of a bot process. Every sealed token is decrypted to the token of the local server."""
    return BotConnections(ScriptedBotAssistant(), MemoryConversations(), lambda sealed: TOKEN, lambda: LOOPBACK_POLICY)


class ScriptedResolver(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        return
