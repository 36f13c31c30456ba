"""A disconnect stops the work of its request, however the server reports it."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from fastapi import FastAPI

from deployments.api.app import DoorServices, build_app
from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.errors import ClientGone
from deployments.api.metrics import Metrics
from deployments.contracts.audio import PCM16_22K, SpeechChunk
from deployments.contracts.events import SpeechReady, TextDelta, TurnFinished, TurnStarted
from tests.api.asgi import AsgiCall, post_call
from tests.api.recordings import wav_bytes
from tests.api.running_gateway import KEY, RunningGateway, StaticSnapshots, wait_until
from tests.fakes.assistant import TRANSCRIPT, ScriptedAssistant, ScriptPause, tone

LONG = 30.0
ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
SPEAK = {"model": "tts-1", "input": "One. Two.", "voice": "alloy", "response_format": "wav"}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}
REQUESTS = {
    "chat": ("/v1/chat/completions", ASK),
    "chat stream": ("/v1/chat/completions", {**ASK, "stream": True}),
    "spoken chat": ("/v1/chat/completions", {**ASK, **SPOKEN}),
    "spoken chat stream": ("/v1/chat/completions", {**ASK, **SPOKEN, "stream": True}),
    "speech": ("/v1/audio/speech", SPEAK),
    "speech events": ("/v1/audio/speech", {**SPEAK, "stream_format": "sse"}),
}
STREAMS = [name for name in REQUESTS if "stream" in name or "speech" in name]


def make_slow(assistant: ScriptedAssistant) -> None:
    block = SpeechChunk(tone(0.3), PCM16_22K)
    events = [TurnStarted("t"), TextDelta("One."), SpeechReady(block, "en-joe")]
    assistant.script = [*events, ScriptPause(LONG), TextDelta("Two."), TurnFinished()]
    assistant.speech_script = [block, ScriptPause(LONG), block]
    assistant.transcript_script = [TRANSCRIPT[0], ScriptPause(LONG), TRANSCRIPT[-1]]


def raw_request(path: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: {kind}\r\n"
    return head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("name", REQUESTS)
def test_closed_socket_stops_the_work(door: RunningGateway, name: str) -> None:
    make_slow(door.assistant)
    path, body = REQUESTS[name]
    disconnect_after(door, raw_request(path, json.dumps(body).encode()), read_first=name in STREAMS)


def test_closed_socket_stops_recognition(door: RunningGateway) -> None:
    make_slow(door.assistant)
    parts = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    parts += (
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + wav_bytes() + b"\r\n--b--\r\n"
    )
    request = raw_request("/v1/audio/transcriptions", parts, "multipart/form-data; boundary=b")
    disconnect_after(door, request, read_first=False)


def disconnect_after(door: RunningGateway, request: bytes, read_first: bool) -> None:
    with socket.create_connection(("127.0.0.1", door.port)) as connection:
        connection.sendall(request)
        wait_until(lambda: door.assistant.open_streams == 1)
        if read_first:
            assert connection.recv(64).startswith(b"HTTP/1.1 200")
    started = time.monotonic()
    wait_until(lambda: door.assistant.open_streams == 0)
    assert time.monotonic() - started < 1
    assert door.assistant.closed_early == 1


async def stream_opened(assistant: ScriptedAssistant) -> None:
    while not assistant.open_streams:
        await asyncio.sleep(0.005)


@pytest.fixture
def assistant() -> ScriptedAssistant:
    made = ScriptedAssistant()
    make_slow(made)
    return made


@pytest.fixture
def app(assistant: ScriptedAssistant) -> Callable[[AsgiCall], asyncio.Task[None]]:
    built = build_app(DoorServices(assistant=assistant, snapshots=StaticSnapshots(), metrics=Metrics()))

    def start(request: AsgiCall) -> asyncio.Task[None]:
        return asyncio.create_task(built(request.scope(), request.receive, request.send))

    return start


@pytest.mark.parametrize("name", REQUESTS)
async def test_cancelled_request_stops_the_work(
    app: Callable[[AsgiCall], asyncio.Task[None]], assistant: ScriptedAssistant, name: str
) -> None:
    request = post_call(*REQUESTS[name])
    task = app(request)
    await (request.wait_for_body() if name in STREAMS else stream_opened(assistant))
    assert assistant.open_streams == 1
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert (assistant.open_streams, assistant.closed_early) == (0, 1)


@pytest.mark.parametrize("name", REQUESTS)
async def test_disconnect_message_stops_the_work(
    app: Callable[[AsgiCall], asyncio.Task[None]], assistant: ScriptedAssistant, name: str
) -> None:
    request = post_call(*REQUESTS[name])
    task = app(request)
    await (request.wait_for_body() if name in STREAMS else stream_opened(assistant))
    request.disconnected.set()
    await asyncio.wait_for(task, 1)
    assert (assistant.open_streams, assistant.closed_early) == (0, 1)


async def test_disconnect_stops_work_of_blocked_send(
    app: Callable[[AsgiCall], asyncio.Task[None]], assistant: ScriptedAssistant
) -> None:
    """The generator then waits at its yield, not inside: closing must reach it all the same."""
    request = post_call(*REQUESTS["chat stream"])
    stuck = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        request.sent.append(message)
        if message.get("body"):
            await stuck.wait()

    request.send = send  # type: ignore[method-assign]
    task = app(request)
    await request.wait_for_body()
    request.disconnected.set()
    await asyncio.wait_for(task, 1)
    assert (assistant.open_streams, assistant.closed_early) == (0, 1)


def app_with_timeout(assistant: ScriptedAssistant, timeout_s: float = 0.05) -> FastAPI:
    services = DoorServices(
        assistant=assistant, snapshots=StaticSnapshots(), metrics=Metrics(), client_timeout_s=timeout_s
    )
    return build_app(services)


@pytest.mark.parametrize("name", STREAMS)
async def test_client_that_does_not_read_is_dropped(assistant: ScriptedAssistant, name: str) -> None:
    request = post_call(*REQUESTS[name])

    async def send(message: dict[str, object]) -> None:
        request.sent.append(message)
        if message.get("body"):
            await asyncio.sleep(LONG)

    await asyncio.wait_for(app_with_timeout(assistant)(request.scope(), request.receive, send), 1)
    assert (assistant.open_streams, assistant.closed_early) == (0, 1)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/audio/transcriptions"])
async def test_missing_body_times_out(assistant: ScriptedAssistant, path: str) -> None:
    kind = b"multipart/form-data; boundary=b" if "audio" in path else b"application/json"
    request = AsgiCall(path, b"", [(b"content-type", kind), (b"content-length", b"100")])
    pieces = [{"type": "http.request", "body": b"--b\r\n", "more_body": True}]

    async def receive() -> dict[str, object]:
        if not pieces:
            await asyncio.sleep(LONG)
        return pieces.pop()

    await asyncio.wait_for(app_with_timeout(assistant)(request.scope(), receive, request.send), 1)
    assert (request.status, request.json["error"]["code"]) == (408, "request_timeout")


async def test_client_timeout_ignores_time_to_answer(assistant: ScriptedAssistant) -> None:
    assistant.script = [TurnStarted("t"), ScriptPause(0.15), TextDelta("One."), TurnFinished()]
    request = post_call(*REQUESTS["chat"])
    await asyncio.wait_for(app_with_timeout(assistant)(request.scope(), request.receive, request.send), 2)
    assert request.status == 200


async def test_cancel_on_disconnect_leaves_task_uncancelled() -> None:
    disconnected = asyncio.Event()

    async def receive() -> dict[str, str]:
        await disconnected.wait()
        return {"type": "http.disconnect"}

    async def work() -> str:
        with suppress(ClientGone):
            async with CancelOnDisconnect(receive):
                disconnected.set()
                await asyncio.sleep(LONG)
        await asyncio.sleep(0)
        return "went on"

    assert await work() == "went on"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
