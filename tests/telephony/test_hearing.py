"""``WS /phone/stt`` over a real socket, with a scripted recognizer."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from deployments.api.hearing.socket_session import HearingSettings
from deployments.api.phone.routes import PhoneSettings
from deployments.contracts.api_key import KeyLimits
from deployments.contracts.audio import ALAW_8K, PCM16_16K
from deployments.conversation.usage_tracker import UsageTracker
from tests.telephony.phone_server import (
    KEY,
    RunningPhone,
    SpeakingAssistant,
    api_key,
    expired,
    read_close,
    run_phone,
    send_message,
    snapshot,
)

SECOND = PCM16_16K.silence(1)


@pytest.fixture(scope="module")
def door() -> Iterator[RunningPhone]:
    hearing = HearingSettings(start_timeout_s=0.3, silent_s=0.3, check_every_s=1)
    with run_phone(settings=PhoneSettings(auth_timeout_s=0.3, hearing=hearing)) as opened:
        yield opened


async def read_all(line: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Every message, and the close code."""
    messages: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(10):
            while True:
                messages.append(json.loads(await line.recv()))
    except ConnectionClosed as error:
        return messages, error.rcvd.code if error.rcvd else 1006


async def test_session_gives_events_with_times(door: RunningPhone) -> None:
    async with door.dial(key=None, path="/stt") as line:
        await send_message(line, type="auth", api_key=KEY)
        await send_message(
            line,
            type="start",
            format="alaw",
            sample_rate=8000,
            language="ru",
            words=True,
            silence_ms=300,
            grammar=["да"],
        )
        for _ in range(5):
            await line.send(ALAW_8K.silence(0.02) * 5)
        await send_message(line, type="end")
        messages, code = await read_all(line)
    assert [m["type"] for m in messages][:3] == ["ready", "started", "speech_started"]
    assert [m["type"] for m in messages][-4:] == ["partial", "speech_ended", "final", "finished"]
    assert messages[1] == {
        "type": "started", "engine": "scripted", "model": "none", "reason": "asked for", "second_engine": "",
    }  # fmt: skip
    final = messages[-2]
    assert (final["text"], final["end"], final["words"][0]["end"]) == ("4000", 0.5, 0.5)
    assert (messages[-1]["seconds"], code) == (0.5, 1000)
    heard = door.assistant.listened[-1]
    assert (heard.format, heard.silence_ms, heard.grammar) == (ALAW_8K, 300, ("да",))


@pytest.mark.parametrize(
    ("sent", "error", "code"),
    [
        ([b"\x00\x00"], "invalid_request", 4400),
        (["junk"], "invalid_request", 4400),
        (["[]"], "invalid_request", 4400),
        (['{"type": "end"}'], "invalid_request", 4400),
        (['{"type": "start", "sample_rate": 44100}'], "invalid_request", 4400),
        (['{"type": "start", "silence_ms": 5}'], "invalid_request", 4400),
        (['{"type": "start", "grammar": [""]}'], "invalid_request", 4400),
        (['{"type": "start", "language": "xx"}'], "language_not_supported", 4400),
        (['{"type": "start"}', "junk"], "invalid_request", 4400),
        (['{"type": "start"}', '{"type": "start"}'], "invalid_request", 4400),
        (['{"type": "start"}', bytes(70_000)], "request_too_large", 4400),
        (['{"type": "start"}', '{"type": "end"}', b"late"], "invalid_request", 4400),
        (['{"type": "start"}', SECOND, b"!" * 3_200], "engine_failed", 1013),
    ],
)
async def test_garbage_and_failures_give_an_error_and_a_close(
    door: RunningPhone, sent: list[str | bytes], error: str, code: int
) -> None:
    async with door.dial(path="/stt") as line:
        for message in sent:
            await line.send(message)
        last, closed = await read_close(line)
        if error == "invalid_request" and "late" in str(sent):
            assert last["type"] in ("error", "finished")
            return
    assert (last["type"], last["code"], closed) == ("error", error, code)


async def test_wrong_key_and_silence_close_the_socket(door: RunningPhone) -> None:
    async with door.dial(key="sk-wrong", path="/stt") as line:
        assert (await read_close(line))[1] == 4401
    async with door.dial(path="/stt") as line:
        assert (await read_close(line))[1] == 4408
    async with door.dial(path="/stt") as line:
        await send_message(line, type="start")
        assert (await read_close(line))[1] == 4408
    await door.wait_until(lambda: door.assistant.open_streams == 0)


async def test_vanished_client_leaves_no_session(door: RunningPhone) -> None:
    lines = [await door.dial(path="/stt") for _ in range(10)]
    for line in lines:
        await send_message(line, type="start")
        await line.send(SECOND)
    await door.wait_until(lambda: door.assistant.open_streams == 10)
    for line in lines:
        line.transport.abort()
    await door.wait_until(lambda: door.assistant.open_streams == 0)


async def test_revoked_key_and_used_budget_end_a_session() -> None:
    usage = UsageTracker(lambda: 1.0)
    limits = KeyLimits(audio_seconds_per_day=3, concurrent_streams=1)
    limited = api_key().model_copy(update={"limits": limits})
    settings = PhoneSettings(hearing=HearingSettings(check_every_s=1))
    with run_phone(SpeakingAssistant(), snapshot((limited,)), settings, usage=usage) as door:
        async with door.dial(path="/stt") as line:
            await send_message(line, type="start")
            async with door.dial(path="/stt") as second:
                assert (await read_close(second))[1] == 4429
            for _ in range(8):
                await line.send(SECOND)
            last, code = await read_close(line)
        assert (last["code"], code) == ("rate_limit_exceeded", 4429)
        assert 3 <= usage.used_today(1).audio_seconds <= 8
        async with door.dial(path="/stt") as line:
            await send_message(line, type="start")
            assert (await read_close(line))[1] == 4429
        door.snapshots.current = snapshot((api_key(expires_at=expired()),))
        async with door.dial(path="/stt") as line:
            assert (await read_close(line))[1] == 4401
