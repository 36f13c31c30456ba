"""Authentication, limits and the end of phone lines."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator

import pytest
from starlette.types import Message

from deployments.api.phone.routes import PhoneServices, PhoneSettings, build_phone_app
from deployments.contracts.api_key import KeyLimits
from deployments.conversation.usage_tracker import UsageTracker
from tests.telephony.phone_server import (
    KEY,
    RecordingObserver,
    RunningPhone,
    SpeakingAssistant,
    StaticSnapshots,
    api_key,
    expired,
    read_close,
    receive_utterance,
    run_phone,
    send_message,
    snapshot,
)


@pytest.fixture(scope="module")
def door() -> Iterator[RunningPhone]:
    with run_phone(SpeakingAssistant(chunks=100, delay_s=0.01), settings=PhoneSettings(auth_timeout_s=0.3)) as opened:
        yield opened


async def test_wrong_key_closes_with_4401(door: RunningPhone) -> None:
    async with door.dial(key="sk-wrong") as line:
        last, code = await read_close(line)
    assert (last["code"], code) == ("invalid_api_key", 4401)


async def test_key_in_first_message_opens_the_line(door: RunningPhone) -> None:
    async with door.dial(key=None) as line:
        await send_message(line, type="auth", api_key=KEY)
        assert (await receive_utterance(line, ends=("ready",))).last == {"type": "ready"}
        await send_message(line, type="speak", text="Да")
        await receive_utterance(line, frames=1)


@pytest.mark.parametrize(
    "first",
    ['{"type": "auth", "api_key": "sk-wrong"}', '{"type": "speak", "text": "hi"}', '{"text": "hi"}', "junk", b"\x00"],
)
async def test_other_first_message_closes_with_4401(door: RunningPhone, first: str | bytes) -> None:
    async with door.dial(key=None) as line:
        await line.send(first)
        last, code = await read_close(line)
    assert code == 4401
    assert "sk-wrong" not in json.dumps(last)


async def test_missing_key_closes_with_4401(door: RunningPhone) -> None:
    async with door.dial(key=None) as line:
        assert (await read_close(line))[1] == 4401


async def test_key_in_url_is_ignored(door: RunningPhone) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{door.url}?api_key={KEY}&token={KEY}") as line:
        assert (await read_close(line))[1] == 4401


@pytest.mark.parametrize(
    ("keys", "code"),
    [((api_key(expires_at=expired()),), 4401), ((api_key(scopes=("chat",)),), 4403), ((), 4401)],
)
async def test_expired_key_and_missing_scope_close_the_line(keys: tuple[object, ...], code: int) -> None:
    with run_phone(current=snapshot(keys)) as other:  # type: ignore[arg-type]
        async with other.dial() as line:
            assert (await read_close(line))[1] == code


async def test_revoked_key_ends_at_next_request() -> None:
    with run_phone(SpeakingAssistant(chunks=1)) as other:
        async with other.dial() as line:
            await send_message(line, type="speak", text="Раз")
            await receive_utterance(line)
            other.snapshots.current = snapshot(())
            await send_message(line, type="speak", text="Два")
            last, code = await read_close(line)
    assert (last["code"], code) == ("invalid_api_key", 4401)


async def test_starting_server_closes_with_1013() -> None:
    with run_phone() as other:
        other.snapshots.ready = False
        async with other.dial() as line:
            last, code = await read_close(line)
    assert (last["retryable"], code) == (True, 1013)


async def test_max_live_streams_counts_requests() -> None:
    with run_phone(SpeakingAssistant(chunks=100), snapshot(streams=1)) as other:
        async with other.dial() as first, other.dial() as second:
            await send_message(first, type="speak", text="Раз")
            await receive_utterance(first, frames=3)
            await send_message(second, type="speak", text="Два")
            assert (await receive_utterance(second)).last["code"] == "overloaded"
            await send_message(first, type="cancel")
            await receive_utterance(first)
            await send_message(second, type="speak", text="Два")
            await receive_utterance(second, frames=3)


async def test_idle_line_closes_with_4408() -> None:
    with run_phone(SpeakingAssistant(chunks=4), settings=PhoneSettings(idle_timeout_s=0.3)) as other:
        async with other.dial() as line:
            await send_message(line, type="speak", text="Больше трёхсот миллисекунд")
            assert (await receive_utterance(line)).last["type"] == "finished"
            assert (await read_close(line))[1] == 4408


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_disconnect_stops_synthesis(door: RunningPhone, ending: str) -> None:
    line = await door.dial()
    await send_message(line, type="speak", text="Долго")
    await receive_utterance(line, frames=5)
    assert door.assistant.open_streams == 1
    if ending == "close":
        await line.close()
    else:
        line.transport.abort()
    assert await door.wait_until(lambda: door.assistant.open_streams == 0) < 1
    await line.wait_closed()


async def test_cancelled_task_stops_synthesis() -> None:
    """Ray reports a disconnect by cancelling the task instead of sending a message."""
    assistant, sent = SpeakingAssistant(chunks=100, delay_s=0.01), []
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    app = build_phone_app(PhoneServices(assistant, StaticSnapshots(snapshot()), RecordingObserver()))
    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    scope = {
        "type": "websocket",
        "path": "/tts",
        "headers": headers,
        "query_string": b"",
        "subprotocols": [],
        "root_path": "",
    }

    async def send(message: Message) -> None:
        sent.append(message)

    task = asyncio.create_task(app(scope, incoming.get, send))
    incoming.put_nowait({"type": "websocket.connect"})
    incoming.put_nowait({"type": "websocket.receive", "text": '{"type": "speak", "text": "Долго"}'})
    async with asyncio.timeout(5):
        while len(sent) < 10:
            await asyncio.sleep(0.01)
    task.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert assistant.open_streams == 0
    assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]


@pytest.mark.parametrize("ending", ["in the middle of a speech", "idle", "withdrawn"])
async def test_client_that_does_not_read_is_dropped(ending: str) -> None:
    assistant, snapshots = SpeakingAssistant(chunks=100), StaticSnapshots(snapshot())
    settings = PhoneSettings(send_timeout_s=0.2, idle_timeout_s=0.2)
    app = build_phone_app(PhoneServices(assistant, snapshots, RecordingObserver(), settings=settings))
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    scope = {
        "type": "websocket",
        "path": "/tts",
        "headers": headers,
        "query_string": b"",
        "subprotocols": [],
        "root_path": "",
    }

    async def send(message: Message) -> None:
        if message["type"] == "websocket.close" or message.get("bytes"):
            await asyncio.Event().wait()

    incoming.put_nowait({"type": "websocket.connect"})
    if ending == "withdrawn":
        snapshots.current = snapshot(())
    if ending != "idle":
        incoming.put_nowait({"type": "websocket.receive", "text": '{"type": "speak", "text": "Долго"}'})
    async with asyncio.timeout(3):
        await app(scope, incoming.get, send)
    assert assistant.open_streams == 0


def test_health_needs_no_key(door: RunningPhone) -> None:
    with urllib.request.urlopen(door.url.replace("ws:", "http:").replace("/tts", "/health")) as answer:
        assert json.load(answer)["ready"] is True


async def test_daily_audio_limit_keeps_the_line_open() -> None:
    usage = UsageTracker(time.time)
    key = api_key().model_copy(update={"limits": KeyLimits(audio_seconds_per_day=1)})
    with run_phone(SpeakingAssistant(chunks=1, chunk_s=1.1), current=snapshot((key,)), usage=usage) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Да")
            assert (await receive_utterance(line)).last["type"] == "finished"
            for _ in range(2):
                await send_message(line, type="speak", text="Ещё")
                error = (await receive_utterance(line)).last
                assert error["code"] == "rate_limit_exceeded"
                assert "audio_seconds_per_day" in str(error["message"])
    (used,) = usage.take_unreported()
    assert (used.source, used.route, used.requests, used.key_id) == ("phone", "speech", 1, 1)
    assert used.audio_seconds == pytest.approx(1.1, abs=0.05)
