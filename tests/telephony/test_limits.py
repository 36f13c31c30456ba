"""Limits of phone lines: lines without a key, lines per key, message sizes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from ray.serve._private.http_util import start_asgi_http_server
from ray.serve.config import HTTPOptions
from uvicorn.config import WS_PROTOCOLS
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deployments.api.phone.routes import MAX_WEBSOCKET_MESSAGE_BYTES, PhoneServices, PhoneSettings, build_phone_app
from deployments.api.websockets import configure_websockets
from deployments.command.ports import free_port
from deployments.contracts.api_key import ApiKey, KeyLimits
from deployments.telephony.client_messages import MAX_MESSAGE_BYTES
from tests.telephony.phone_server import (
    KEY,
    RecordingObserver,
    RunningPhone,
    SpeakingAssistant,
    StaticSnapshots,
    api_key,
    read_close,
    receive_utterance,
    run_phone,
    send_message,
    snapshot,
)

SETTINGS = PhoneSettings(auth_timeout_s=5, max_unauthenticated=3, max_unauthenticated_per_network=2)


async def connect_from(
    door: RunningPhone, stack: AsyncExitStack, address: str, key: str | None = None
) -> ClientConnection:
    """A line whose client HAProxy has seen at ``address``."""
    headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {key}"} if key else {})
    return await stack.enter_async_context(connect(door.url, additional_headers=headers))


async def test_unauthenticated_lines_per_address() -> None:
    with run_phone(settings=SETTINGS) as door:
        async with AsyncExitStack() as stack:
            waiting = [await connect_from(door, stack, "203.0.113.1") for _ in range(2)]
            last, code = await read_close(await connect_from(door, stack, "203.0.113.1"))
            assert (last["code"], last["retryable"], code) == ("rate_limit_exceeded", True, 4429)
            await send_message(waiting[0], type="auth", api_key=KEY)
            await receive_utterance(waiting[0], ends=("ready",))
            await send_message(await connect_from(door, stack, "203.0.113.1"), type="auth", api_key=KEY)


async def test_unauthenticated_lines_per_ipv6_network() -> None:
    with run_phone(settings=SETTINGS) as door:
        async with AsyncExitStack() as stack:
            for host in (1, 2):
                await connect_from(door, stack, f"2001:db8::{host}")
            assert (await read_close(await connect_from(door, stack, "2001:db8::3")))[1] == 4429


async def test_unauthenticated_lines_leave_room_for_keys() -> None:
    with run_phone(settings=SETTINGS) as door:
        async with AsyncExitStack() as stack:
            for host in range(3):
                await connect_from(door, stack, f"203.0.113.{host}")
            last, code = await read_close(await connect_from(door, stack, "203.0.113.9"))
            assert (last["code"], code) == ("overloaded", 1013)
            known = await connect_from(door, stack, "203.0.113.9", KEY)
            await send_message(known, type="speak", text="Да")
            await receive_utterance(known, frames=1)


def limited_key(lines: int, number: int = 1, plain: str = KEY) -> ApiKey:
    return api_key(plain).model_copy(update={"id": number, "limits": KeyLimits(concurrent_streams=lines)})


async def open_speaking_line(door: RunningPhone, stack: AsyncExitStack, key: str | None = KEY) -> None:
    """Opens a line and hears something on it."""
    line = await stack.enter_async_context(door.dial(key=key))
    await send_message(line, type="speak", text="Да")
    await receive_utterance(line, frames=1)


async def test_concurrent_streams_limits_lines_of_key() -> None:
    with run_phone(current=snapshot((limited_key(2), limited_key(1, 2, "sk-other")))) as door:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await open_speaking_line(door, stack)
            last, code = await read_close(await stack.enter_async_context(door.dial()))
            assert (last["code"], last["retryable"], code) == ("rate_limit_exceeded", True, 4429)
            assert "concurrent_streams" in str(last["message"])
            by_message = await stack.enter_async_context(door.dial(key=None))
            await send_message(by_message, type="auth", api_key=KEY)
            assert (await read_close(by_message))[1] == 4429
            await open_speaking_line(door, stack, "sk-other")


async def test_closed_line_frees_its_slot() -> None:
    with run_phone(SpeakingAssistant(chunks=100), snapshot((limited_key(1),))) as door:
        for _ in range(3):
            async with AsyncExitStack() as stack:
                await open_speaking_line(door, stack)
            await door.wait_until(lambda: door.assistant.open_streams == 0)


async def test_key_without_limit_opens_many_lines() -> None:
    with run_phone(current=snapshot((limited_key(0),))) as door:
        async with AsyncExitStack() as stack:
            for _ in range(8):
                await open_speaking_line(door, stack)


async def test_unauthenticated_slot_is_released() -> None:
    with run_phone(settings=PhoneSettings(auth_timeout_s=0.2, max_unauthenticated_per_network=1)) as door:
        for ending in ("silence", "hang up", "wrong key", "junk", "silence"):
            async with door.dial(key=None) as line:
                if ending == "hang up":
                    continue
                if ending != "silence":
                    await line.send(json.dumps({"type": "auth", "api_key": "sk-wrong"}) if "key" in ending else "junk")
                assert (await read_close(line))[1] == 4401, ending
            await asyncio.sleep(0.05)


@asynccontextmanager
async def serve_replica_server() -> AsyncIterator[str]:
    """The phone door behind the server that Serve builds in a replica."""
    app = build_phone_app(PhoneServices(SpeakingAssistant(), StaticSnapshots(snapshot()), RecordingObserver()))
    options = HTTPOptions(host="127.0.0.1", port=free_port())
    task, server = await start_asgi_http_server(app, options, event_loop=asyncio.get_running_loop())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"ws://127.0.0.1:{options.port}/tts"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)


@pytest.fixture
def limited_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WS_PROTOCOLS, "auto", WS_PROTOCOLS["auto"])
    configure_websockets(MAX_WEBSOCKET_MESSAGE_BYTES, compress=True)


def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"}


@pytest.mark.usefixtures("limited_messages")
async def test_long_message_keeps_the_line_open() -> None:
    async with serve_replica_server() as url, connect(url, additional_headers=headers()) as line:
        await line.send("x" * (MAX_MESSAGE_BYTES + 1))
        assert (await receive_utterance(line)).last["code"] == "request_too_large"
        await send_message(line, type="speak", text="Да")
        assert (await receive_utterance(line)).last["type"] == "finished"


@pytest.mark.usefixtures("limited_messages")
@pytest.mark.parametrize("pieces", [1, 1_000])
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_too_long_message_closes_the_line(pieces: int, compression: str | None) -> None:
    piece = "x" * (MAX_WEBSOCKET_MESSAGE_BYTES // pieces + 1)
    async with (
        serve_replica_server() as url,
        connect(url, additional_headers=headers(), compression=compression) as line,
    ):
        with suppress(ConnectionClosed):
            await line.send(piece for _ in range(pieces))
        assert (await read_close(line))[1] == 1009
