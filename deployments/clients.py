"""Deployment handles that look like contracts. The only place that calls ``.remote()`` and knows Ray's errors."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Self, cast

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from bots.status import BotStatus
from deployments import names
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, Source
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed, Overloaded, SecretaryError, Unavailable
from deployments.contracts.events import AnswerMatch
from deployments.contracts.reports import DoorReport, Receipt
from deployments.contracts.services import ReplicaReport, ServiceOrder
from deployments.contracts.sessions import Conversation
from deployments.contracts.settings import Snapshot
from deployments.contracts.speech import EngineStatus, RecognitionRequest, SpeechRequest, TranscriptEvent, Voice

log = logging.getLogger(__name__)

_POLL_STARTING_S = 0.5
_POLL_READY_S = 5.0
_POLL_TIMEOUT_S = 5.0


def translated(error: BaseException, name: str) -> SecretaryError:
    """Ray's error as one of ours. Errors of ours that crossed a handle are handed on as they are."""
    if isinstance(error, SecretaryError):
        return error
    if isinstance(error, BackPressureError):
        return Overloaded(f"{name} has too much to do; try again in a moment", retry_after_s=1)
    if isinstance(error, RayServeException):
        return Unavailable(f"{name} is not there at the moment", retry_after_s=5)
    log.warning("%s failed: %s", name, type(error).__name__)
    return EngineFailed(f"{name} broke off; it is being started again", retry_after_s=10)


class Remote:
    """One deployment: unary and streaming calls with our errors, and no call left open.

    ``on_waiting`` hears how many streams of this process wait for their first item, whenever that changes.
    """

    def __init__(self, find: Callable[[], DeploymentHandle[Any]], name: str) -> None:
        self._find = find
        self._handle: DeploymentHandle[Any] | None = None
        self.name = name
        self.on_waiting: Callable[[str, int], None] = lambda name, waiting: None
        self._waiting = 0

    @classmethod
    def of(cls, handle: DeploymentHandle[Any], name: str) -> Self:
        """A deployment of the same application, whose handle was injected."""
        return cls(lambda: handle, name)

    @classmethod
    def named(cls, app: str, deployment: str) -> Self:
        """A deployment of another application, looked up when it is first called."""
        return cls(lambda: serve.get_deployment_handle(deployment, app_name=app), deployment)

    async def call(self, method: str, *arguments: object, timeout_s: float | None = None) -> object:
        response = getattr(self._found(), method).remote(*arguments)
        try:
            return await asyncio.wait_for(response, timeout_s)
        except asyncio.CancelledError:
            response.cancel()
            raise
        except TimeoutError:
            response.cancel()
            raise Unavailable(f"{self.name} did not answer within {timeout_s} s", retry_after_s=5) from None
        except Exception as error:
            raise translated(error, self.name) from None

    async def stream(self, method: str, *arguments: object) -> AsyncGenerator[object]:
        """Items of a remote stream. Closing this generator cancels the remote one."""
        response = getattr(self._found().options(stream=True), method).remote(*arguments)
        ended, waiting = False, True
        self._wait(+1)
        try:
            async for item in response:
                if waiting:
                    waiting = False
                    self._wait(-1)
                yield item
            ended = True
        except (RayError, RayServeException, SecretaryError) as error:
            ended = True
            raise translated(error, self.name) from None
        except (GeneratorExit, asyncio.CancelledError):
            raise
        except Exception as error:
            raise translated(error, self.name) from None
        finally:
            if waiting:
                self._wait(-1)
            if not ended:
                response.cancel()

    def _wait(self, change: int) -> None:
        self._waiting += change
        self.on_waiting(self.name, self._waiting)

    def _found(self) -> DeploymentHandle[Any]:
        if self._handle is None:
            try:
                self._handle = self._find()
            except RayServeException as error:
                raise translated(error, self.name) from None
        return self._handle


class EngineClient:
    """Status of a remote engine deployment, polled so that ``status`` answers at once."""

    def __init__(self, remote: Remote, kind: str) -> None:
        self._remote = remote
        self._kind = kind
        starting = EngineStatus(remote.name, kind, "", ready=False, error="starting", loading=True)
        self._statuses: tuple[EngineStatus, ...] = (starting,)
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
            except SecretaryError as error:
                name = self._remote.name
                self._statuses = (EngineStatus(name, self._kind, "", ready=False, error=error.message),)
            sound = all(status.sound for status in self._statuses)
            await asyncio.sleep(_POLL_READY_S if sound else _POLL_STARTING_S)


class ChatClient(EngineClient):
    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        return cast("AsyncIterator[ChatEvent]", self._remote.stream("stream", turn))

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        return cast("tuple[tuple[float, ...], ...]", await self._remote.call("embed", texts, timeout_s=120))


class SpeechClient(EngineClient):
    def __init__(self, remote: Remote, kind: str = "speech") -> None:
        super().__init__(remote, kind)
        self._voices: tuple[Voice, ...] = ()

    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        return cast("AsyncIterator[SpeechChunk]", self._remote.stream("synthesize", request))

    async def _poll(self) -> None:
        await super()._poll()
        self._voices = cast("tuple[Voice, ...]", await self._remote.call("voices", timeout_s=_POLL_TIMEOUT_S))


class RecognizerClient(EngineClient):
    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        return cast("AsyncIterator[TranscriptEvent]", self._remote.stream("transcribe", request))


class FaqClient:
    """The ranked answer book, one hop away."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return cast("AnswerMatch | None", await self._remote.call("lookup", text, locale, timeout_s=1))

    async def candidates(self, text: str, locale: str | None) -> tuple[AnswerMatch, ...]:
        return cast("tuple[AnswerMatch, ...]", await self._remote.call("candidates", text, locale, timeout_s=2))


class BotsClient:
    """The supervisor of the bots."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def statuses(self) -> tuple[BotStatus, ...]:
        return cast("tuple[BotStatus, ...]", await self._remote.call("statuses", timeout_s=2))


class OfficeClient:
    """The office as doors and bots need it: OfficeLink and Conversations over one handle."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        async for snapshot in self._remote.stream("snapshots", after_revision, subscriber):
            yield cast(Snapshot, snapshot)

    async def report(self, report: DoorReport) -> Receipt | None:
        return cast("Receipt | None", await self._remote.call("report", report, timeout_s=10))

    async def beat(self, report: ReplicaReport) -> ServiceOrder:
        return cast(ServiceOrder, await self._remote.call("beat", report, timeout_s=5))

    async def open(self, source: Source, person: str, display_name: str = "") -> Conversation:
        arguments = (source, person, display_name)
        return cast(Conversation, await self._remote.call("open_conversation", *arguments, timeout_s=10))

    async def restart(self, source: Source, person: str, display_name: str = "") -> Conversation:
        arguments = (source, person, display_name)
        return cast(Conversation, await self._remote.call("restart_conversation", *arguments, timeout_s=10))


def door_name() -> str:
    """How this replica calls itself towards the office, for example gateway#5w3k4sdw."""
    replica = serve.get_replica_context()
    return f"{replica.deployment}#{replica.replica_tag}"


def office_client() -> OfficeClient:
    return OfficeClient(Remote.named(names.OFFICE_APP, names.OFFICE))
