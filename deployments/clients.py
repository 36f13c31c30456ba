"""Typed clients: each wraps a RemoteDeployment and implements a protocol of ``deployments.contracts``."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import cast
from uuid import uuid4

from ray import serve

from bots.bot_status import BotStatus
from deployments import names
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, EmbeddingVectors, TurnSource
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed, ReplicaLost, SecretaryError, Unavailable
from deployments.contracts.memory_file import FileElsewhere
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.contracts.sessions import Conversation, HeardMessage
from deployments.contracts.snapshot import Snapshot, SnapshotChange
from deployments.contracts.speech import (
    EngineStatus,
    HearingEvent,
    ListeningStarted,
    ListenRequest,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    Voice,
)
from deployments.contracts.streams import Closing, until_failed
from deployments.conversation.snapshot_stream import decode_snapshots
from deployments.remote import RemoteDeployment

log = logging.getLogger(__name__)

_POLL_STARTING_S = 0.5
_POLL_READY_S = 5.0
_POLL_TIMEOUT_S = 5.0
_LOADING_RETRY_S = 2.0
_FEED_TIMEOUT_S = 30.0


class EngineClient:
    """Polls the status of a remote engine deployment, so that ``status`` returns at once."""

    def __init__(self, remote: RemoteDeployment, kind: str) -> None:
        self._remote = remote
        self._kind = kind
        starting = EngineStatus(remote.name, kind, "", ready=False, error="starting", loading=True)
        self._statuses: tuple[EngineStatus, ...] = (starting,)
        self._reachable = False
        self._poll_now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._poll_forever(), name=f"status of {self._remote.name}")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def status(self) -> EngineStatus:
        return self._statuses[0]

    def statuses(self) -> tuple[EngineStatus, ...]:
        return self._statuses

    async def _poll(self) -> None:
        self._statuses = cast(
            "tuple[EngineStatus, ...]", await self._remote.call("statuses", timeout_s=_POLL_TIMEOUT_S)
        )

    async def _poll_forever(self) -> None:
        while True:
            try:
                await self._poll()
                self._reachable = True
            except SecretaryError as error:
                self._set_error(error.message)
            except Exception as error:  # the next poll may succeed
                log.warning("polling the status of %s failed: %s", self._remote.name, type(error).__name__)
                self._set_error("its status cannot be read")
            healthy = all(status.healthy for status in self._statuses)
            self._poll_now.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_READY_S if healthy else _POLL_STARTING_S):
                    await self._poll_now.wait()

    def _set_error(self, message: str) -> None:
        self._reachable = False
        languages = self._statuses[0].languages
        self._statuses = (
            EngineStatus(self._remote.name, self._kind, "", ready=False, error=message, languages=languages),
        )


class ChatClient(EngineClient):
    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        return cast("AsyncIterator[ChatEvent]", self._remote.stream("stream", turn))

    async def embed(self, texts: tuple[str, ...], caller: str = "", max_tokens: int | None = None) -> EmbeddingVectors:
        return cast(EmbeddingVectors, await self._remote.call("embed", texts, caller, max_tokens, timeout_s=300))


class SpeechClient(EngineClient):
    def __init__(self, remote: RemoteDeployment, kind: str = "speech") -> None:
        super().__init__(remote, kind)
        self._voices: tuple[Voice, ...] = ()
        self._seen: dict[str, Voice] = {}
        self.voices_listed = asyncio.Event()
        self.lost = False

    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    def recall_voice(self, voice_id: str) -> Voice | None:
        """See ``RemoteVoices``."""
        return self._seen.get(voice_id)

    def check_voices_loaded(self) -> None:
        """See ``RemoteVoices``."""
        if not self._reachable or any(status.loading for status in self._statuses):
            raise Unavailable(f"{self._remote.name} is still loading its voices", retry_after_s=_LOADING_RETRY_S)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        try:
            async with Closing(self._remote.stream("synthesize", request)) as chunks:
                async for chunk in chunks:
                    yield cast(SpeechChunk, chunk)
        except ReplicaLost:
            self.lost = True
            self._poll_now.set()
            raise

    async def _poll(self) -> None:
        await super()._poll()
        self.lost = False
        self._voices = cast("tuple[Voice, ...]", await self._remote.call("voices", timeout_s=_POLL_TIMEOUT_S))
        if not all(status.ready for status in self._statuses):
            absent = cast("tuple[Voice, ...]", await self._remote.call("absent_voices", timeout_s=_POLL_TIMEOUT_S))
            self._seen.update((voice.id, voice) for voice in absent)
        self._seen.update((voice.id, voice) for voice in self._voices)
        if self._voices:
            self.voices_listed.set()


class RecognizerClient(EngineClient):
    async def transcribe(self, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        """A replica on another machine cannot open a memory file and gets a copy."""
        try:
            async with Closing(self._remote.stream("transcribe", request)) as events:
                async for event in events:
                    yield cast(TranscriptEvent, event)
            return
        except FileElsewhere:
            if request.file is None:
                raise
        copy = replace(request, audio=await asyncio.to_thread(request.file.read), file=None)
        async with Closing(self._remote.stream("transcribe", copy)) as events:
            async for event in events:
                yield cast(TranscriptEvent, event)

    async def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncGenerator[HearingEvent]:
        """See ``LiveRecognizer``. Sound goes to the replica of the session in one call after the other."""
        session_id = uuid4().hex
        async with Closing(audio), Closing(self._remote.stream("listen", session_id, request)) as events:
            started = await anext(events, None)
            if not isinstance(started, ListeningStarted):
                raise EngineFailed("Recognition ended before it began.")
            yield started
            feeding = asyncio.create_task(self._feed(session_id, started.replica, audio))
            try:
                async for event in until_failed(events, feeding):
                    yield cast(HearingEvent, event)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    async def _feed(self, session_id: str, replica: str, audio: AsyncIterator[bytes]) -> None:
        async for block in audio:
            await self._remote.call("feed", session_id, block, False, timeout_s=_FEED_TIMEOUT_S, replica=replica)
        await self._remote.call("feed", session_id, b"", True, timeout_s=_FEED_TIMEOUT_S, replica=replica)


class BotsClient:
    """The bot supervisor."""

    def __init__(self, remote: RemoteDeployment) -> None:
        self._remote = remote

    async def statuses(self) -> tuple[BotStatus, ...]:
        return cast("tuple[BotStatus, ...]", await self._remote.call("statuses", timeout_s=2))


class OfficeClient:
    """Implements ``OfficeLink``, ``ServiceLink`` and ``ConversationStore`` over the office deployment."""

    def __init__(self, remote: RemoteDeployment) -> None:
        self._remote = remote

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        items = self._remote.stream("snapshots", after_revision, subscriber)
        return decode_snapshots(cast("AsyncGenerator[Snapshot | SnapshotChange]", items))

    async def report(self, report: DoorReport) -> ReportAcknowledgement | None:
        return cast("ReportAcknowledgement | None", await self._remote.call("report", report, timeout_s=10))

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        return cast(DesiredServiceState, await self._remote.call("heartbeat", report, timeout_s=5))

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        arguments = (source, person, display_name)
        return cast(Conversation, await self._remote.call("open_conversation", *arguments, timeout_s=10))

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        arguments = (source, person, display_name)
        return cast(Conversation, await self._remote.call("restart_conversation", *arguments, timeout_s=10))

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        await self._remote.call("set_conversation_mode", source, person, mode, display_name, timeout_s=10)

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        await self._remote.call("move_chat", source, chat, to, timeout_s=10)

    async def keep_recording(self, heard: HeardMessage) -> None:
        await self._remote.call("keep_recording", heard, timeout_s=30)

    async def count(self, source: TurnSource) -> int:
        return cast(int, await self._remote.call("count_conversations", source, timeout_s=10))


def door_name() -> str:
    """The unique name of this replica in reports to the office, for example ``gateway#5w3k4sdw``."""
    replica = serve.get_replica_context()
    return f"{replica.deployment}#{replica.replica_tag}"


def office_client() -> OfficeClient:
    return OfficeClient(RemoteDeployment.by_name(names.OFFICE_APP, names.OFFICE))
