"""A phone door on a real port, a scripted assistant and a virtual clock."""

import asyncio
import hashlib
import json
import math
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deployments.api.phone.routes import PhoneServices, PhoneSettings, build_phone_app
from deployments.contracts.api_key import ApiKey
from deployments.contracts.audio import PCM16_22K, AudioFormat, SpeechChunk
from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import EngineFailed, LanguageNotSupported, Unavailable, VoiceNotFound
from deployments.contracts.events import TurnEvent
from deployments.contracts.exchange import Exchange
from deployments.contracts.settings import Limits, Settings, SpeechSettings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import (
    EngineStatus,
    FinalTranscript,
    HearingEvent,
    ListeningFinished,
    ListeningStarted,
    ListenRequest,
    PartialTranscript,
    RecognitionRequest,
    SpeechEnded,
    SpeechRequest,
    SpeechStarted,
    TranscriptEvent,
    Voice,
    Word,
)
from deployments.contracts.streams import Closing
from deployments.conversation.usage_tracker import UsageTracker
from tests.api.running_gateway import StaticSnapshots

KEY = "sk-phone"


@cache
def tone(seconds: float, format: AudioFormat = PCM16_22K) -> bytes:
    count = int(seconds * format.rate)
    return b"".join(struct.pack("<h", int(8000 * math.sin(i * 0.1))) for i in range(count))


@dataclass
class SpeakingAssistant:
    """Speaks ``chunks`` blocks of ``chunk_s`` seconds per text, each after ``delay_s`` seconds.

    The text "сломайся" fails after the first block. The voice "nobody" does not exist.
    """

    chunks: int = 3
    chunk_s: float = 0.1
    delay_s: float = 0.0
    spoken: list[SpeechRequest] = field(default_factory=list)
    listened: list[ListenRequest] = field(default_factory=list)
    open_streams: int = 0
    made: int = 0
    finished_at: float = 0.0

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        if request.voice_id == "nobody":
            raise VoiceNotFound("there is no voice 'nobody'", param="voice")
        if request.voice_id == "loading":
            raise Unavailable("voice is still loading its voices", retry_after_s=2)
        self.spoken.append(request)
        return self._blocks(request)

    async def _blocks(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        self.open_streams += 1
        try:
            for index in range(self.chunks):
                await asyncio.sleep(self.delay_s)
                if index and "сломайся" in request.text:
                    raise EngineFailed("the voice broke")
                self.made += 1
                yield SpeechChunk(tone(self.chunk_s), PCM16_22K, request.text if not index else "", index)
            self.finished_at = time.monotonic()
        finally:
            self.open_streams -= 1

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        raise NotImplementedError

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        raise NotImplementedError

    def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        self.listened.append(request)
        if request.language == "xx":
            raise LanguageNotSupported("no recognition engine hears 'xx'", param="language")
        return self._hear(request, audio)

    async def _hear(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        """One utterance, whose words are the number of bytes. The engine fails at a byte "!"."""
        self.open_streams += 1
        try:
            yield ListeningStarted("scripted", "none", "asked for", replica="r1")
            yield SpeechStarted(1, 0.0)
            size = 0
            async with Closing(audio) as blocks:
                async for block in blocks:
                    if b"!" in block:
                        raise EngineFailed("recognition failed; it is being restarted", retry_after_s=10)
                    size += len(block)
                    yield PartialTranscript(1, str(size), 0.0, request.format.seconds(size))
            seconds = request.format.seconds(size)
            yield SpeechEnded(1, seconds)
            yield FinalTranscript(1, str(size), 0.0, seconds, "ru", "scripted", (Word(str(size), 0.0, seconds),))
            yield ListeningFinished(seconds, 1)
        finally:
            self.open_streams -= 1

    def voices(self) -> tuple[Voice, ...]:
        return ()

    async def status(self) -> tuple[EngineStatus, ...]:
        return ()


class RecordingObserver:
    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []
        self.underruns: Counter[str] = Counter()

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None:
        self.stages.append((name, source))

    def on_stream_opened(self, kind: str) -> None: ...

    def on_stream_closed(self, kind: str) -> None: ...

    def on_tokens(self, prompt: int, completion: int, route: str) -> None: ...

    def on_audio(self, seconds: float, engine: str) -> None: ...

    def on_phrase_cache(self, hit: bool) -> None: ...

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        self.underruns["avoided" if avoided else "suffered"] += count

    def on_exchange(self, exchange: Exchange) -> None: ...


def api_key(text: str = KEY, scopes: tuple[str, ...] = ("audio",), expires_at: datetime | None = None) -> ApiKey:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return ApiKey(id=1, name="gateway", prefix=text[:6], digest=digest, scopes=scopes, expires_at=expires_at)


def snapshot(keys: tuple[ApiKey, ...] | None = None, max_chars: int = 4096, streams: int = 64) -> Snapshot:
    settings = Settings(speech=SpeechSettings(max_input_chars=max_chars), limits=Limits(max_live_streams=streams))
    return Snapshot(revision=1, settings=settings, api_keys=keys if keys is not None else (api_key(),))


class VirtualClock:
    """A clock that advances only in ``sleep`` and ``stall``."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    def stall(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class RunningPhone:
    """A running phone door. ``loop`` is the server's."""

    url: str
    assistant: SpeakingAssistant
    snapshots: StaticSnapshots
    observer: RecordingObserver
    loop: asyncio.AbstractEventLoop
    server: uvicorn.Server

    def dial(self, key: str | None = KEY, path: str = "/tts", **options: Any) -> connect:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return connect(self.url.replace("/tts", path), additional_headers=headers, **options)

    async def wait_until(self, true: Callable[[], bool], within_s: float = 1.0) -> float:
        """Waits until ``true``. Returns the seconds. Fails after ``within_s``."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < within_s, "did not happen in time"
            await asyncio.sleep(0.005)
        return time.monotonic() - began


@contextmanager
def run_phone(
    assistant: SpeakingAssistant | None = None,
    current: Snapshot | None = None,
    settings: PhoneSettings | None = None,
    ws: str = "auto",
    usage: UsageTracker | None = None,
) -> Iterator[RunningPhone]:
    """A phone door at /phone on a real port, in its own thread."""
    speaker, snapshots, observer = (
        assistant or SpeakingAssistant(),
        StaticSnapshots(current or snapshot()),
        RecordingObserver(),
    )
    services = PhoneServices(speaker, snapshots, observer, settings=settings or PhoneSettings(), usage=usage)
    app = build_phone_app(services)
    site = Starlette(routes=[Mount("/phone", app)])
    config = uvicorn.Config(site, port=0, log_level="error", ws=ws, lifespan="off")
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield RunningPhone(f"ws://127.0.0.1:{port}/phone/tts", speaker, snapshots, observer, loops[0], server)
    finally:
        server.should_exit = True
        thread.join(10)


async def send_message(line: ClientConnection, **message: Any) -> None:
    await line.send(json.dumps(message, ensure_ascii=False))


@dataclass
class ReceivedUtterance:
    """Messages and frames of one request. ``times`` of the frames are monotonic seconds."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        return self.messages[-1]

    @property
    def kinds(self) -> list[str]:
        return [m.get("type", "") for m in self.messages]


ENDS = ("finished", "cancelled", "error")


async def receive_utterance(
    line: ClientConnection, ends: tuple[str, ...] = ENDS, frames: int = -1
) -> ReceivedUtterance:
    """Reads until a message whose type (or key) is one of ``ends``, or ``frames`` frames."""
    utterance = ReceivedUtterance()
    async with asyncio.timeout(20):
        while frames < 0 or len(utterance.frames) < frames:
            message = await line.recv()
            if isinstance(message, bytes):
                utterance.frames.append(message)
                utterance.times.append(time.monotonic())
                continue
            utterance.messages.append(json.loads(message))
            if utterance.last.get("type") in ends or any(end in utterance.last for end in ends):
                break
    return utterance


async def read_close(line: ClientConnection) -> tuple[dict[str, object], int]:
    """The last JSON before the close, and the close code."""
    last: dict[str, object] = {}
    try:
        async with asyncio.timeout(5):
            while True:
                received = await line.recv()
                last = json.loads(received) if isinstance(received, str) else last
    except ConnectionClosed as error:
        return last, error.rcvd.code if error.rcvd else 1006


def expired() -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC)
