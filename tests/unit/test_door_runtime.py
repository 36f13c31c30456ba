"""The door runtime measures the queues of deployments and closes streams."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from deployments.api.metrics import Metrics
from deployments.clients import OfficeClient
from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.reports import DoorReport
from deployments.contracts.sessions import Conversation
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import RecognitionRequest, SpeechRequest
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.remote import RemoteDeployment


class SilentOffice:
    """Has one empty snapshot."""

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        yield Snapshot()

    async def report(self, report: DoorReport) -> None:
        raise NotImplementedError

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        raise NotImplementedError

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        raise NotImplementedError


class FakeHandle:
    """A deployment handle whose streams yield one item when ``release`` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.responses: list[HandleResponse] = []

    def options(self, **_: bool) -> "FakeHandle":
        return self

    def __getattr__(self, method: str) -> "FakeHandle":
        return self

    def remote(self, *_: object) -> "HandleResponse":
        self.responses.append(HandleResponse(self.release))
        return self.responses[-1]


class HandleResponse:
    def __init__(self, release: asyncio.Event) -> None:
        self._items = self._stream(release)
        self.cancelled = False

    def __aiter__(self) -> AsyncGenerator[str]:
        return self._items

    async def _stream(self, release: asyncio.Event) -> AsyncGenerator[str]:
        await release.wait()
        yield "item"

    def cancel(self) -> None:
        self.cancelled = True


def remote(handle: Any, name: str) -> RemoteDeployment:
    return RemoteDeployment.from_handle(handle, name)


async def _read(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        return


@pytest.mark.parametrize("queue", ["chat", "second", "voice", "second voice", "recognition"])
async def test_queue_depth_measured_for_every_engine(queue: str) -> None:
    handle, metrics = FakeHandle(), Metrics()
    voices = (remote(handle, "voice"), remote(handle, "second voice"))
    remotes = EngineHandles(
        None, (remote(handle, "chat"), remote(handle, "second")), voices, remote(handle, "recognition")
    )
    runtime = DoorRuntime(remotes, SilentOffice(), "door", metrics)
    turn = ChatTurn("t", TurnSource(SourceKind.API), (ChatMessage("user", "Hi"),))
    streams = {
        "chat": lambda: runtime.chats["chat"].stream(turn),
        "second": lambda: runtime.chats["second"].stream(turn),
        "voice": lambda: runtime.speech[0].synthesize(SpeechRequest("Hi")),
        "second voice": lambda: runtime.speech[1].synthesize(SpeechRequest("Hi")),
        "recognition": lambda: runtime.recognizer.transcribe(RecognitionRequest(b"")),
    }
    waiting = [asyncio.create_task(_read(streams[queue]())) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert metrics.queues() == {queue: 3.0}
    handle.release.set()
    await asyncio.gather(*waiting)
    assert metrics.queues() == {queue: 0.0}


async def test_closed_snapshot_stream_cancels_response() -> None:
    handle = FakeHandle()
    handle.release.set()
    snapshots = OfficeClient(remote(handle, "office")).snapshots(0, "door")
    await anext(snapshots)
    await snapshots.aclose()
    assert [response.cancelled for response in handle.responses] == [True]
