"""A gateway's view of WS /phone/tts: a real server, a real client, a scripted voice."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from deployments.api.phone.routes import PhoneSettings
from deployments.telephony.session import LineSettings
from tests.telephony.phone_server import (
    RunningPhone,
    SpeakingAssistant,
    receive_utterance,
    run_phone,
    send_message,
    snapshot,
)


@pytest.fixture(scope="module")
def door() -> Iterator[RunningPhone]:
    with run_phone() as opened:
        yield opened


SIZES = {"alaw": 160, "mulaw": 160, "pcm16": 320}


@pytest.mark.parametrize("format", SIZES)
async def test_every_frame_has_exactly_20_ms(door: RunningPhone, format: str) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="Добрый день", format=format)
        heard = await receive_utterance(line)
    assert {len(f) for f in heard.frames} == {SIZES[format]}
    assert heard.kinds == ["started", "mark", "finished"]
    assert heard.messages[0]["frame_bytes"] == SIZES[format]
    assert heard.last["frames"] == len(heard.frames) == 30


async def test_the_first_frame_leaves_before_the_voice_has_finished() -> None:
    with run_phone(SpeakingAssistant(chunks=4, chunk_s=0.2, delay_s=0.15)) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Длинный ответ")
            heard = await receive_utterance(line)
        assert heard.times[0] < door.assistant.finished_at - 0.3
        assert heard.last["first_frame_ms"] < 500


async def test_frames_arrive_in_real_time(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Ровно")
        heard = await receive_utterance(line)
    assert heard.times[-1] - heard.times[0] == pytest.approx((30 - 4) * 0.02, abs=0.08)
    middle = heard.times[len(heard.times) // 2] - heard.times[0]
    assert middle == pytest.approx((15 - 3) * 0.02, abs=0.08)


async def test_requests_are_played_in_the_order_they_came(door: RunningPhone) -> None:
    async with door.dial() as line:
        for name in ("one", "two", "three"):
            await send_message(line, type="speak", id=name, text=name)
        heard = [await receive_utterance(line) for _ in range(3)]
    assert [h.last["id"] for h in heard] == ["one", "two", "three"]
    assert all(m["id"] == h.last["id"] for h in heard for m in h.messages)


async def test_too_many_waiting_requests_are_refused_and_the_others_go_on() -> None:
    settings = PhoneSettings(line=LineSettings(max_queued=2))
    with run_phone(SpeakingAssistant(chunks=1), settings=settings) as door:
        async with door.dial() as line:
            for index in range(5):
                await send_message(line, type="speak", id=str(index), text="раз")
            last = [(await receive_utterance(line)).last for _ in range(5)]
    refused = [m for m in last if m["type"] == "error"]
    assert {m["code"] for m in refused} == {"overloaded"}
    assert all(m["retryable"] for m in refused)
    assert [m["id"] for m in last if m["type"] == "finished"] == ["0", "1", "2"][: 5 - len(refused)]


async def test_text_can_be_piped_in_while_it_is_written(door: RunningPhone) -> None:
    door.assistant.spoken.clear()
    async with door.dial() as line:
        await send_message(line, type="speak", id="llm", text="Первое предложение готово. Вто", more=True)
        early = await receive_utterance(line, frames=3)
        assert early.messages[0]["type"] == "started"
        for delta in ("рое ", "тоже. ", "А это конец"):
            await send_message(line, type="text", id="llm", text=delta)
        await send_message(line, type="end", id="llm")
        rest = await receive_utterance(line)
    assert [r.text for r in door.assistant.spoken] == ["Первое предложение готово.", "Второе тоже.", "А это конец"]
    marks = [m["text"] for m in early.messages + rest.messages if m["type"] == "mark"]
    assert marks == ["Первое предложение готово.", "Второе тоже.", "А это конец"]
    assert rest.last["frames"] == 90


async def test_a_mark_names_the_frame_its_text_begins_with(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Первое предложение готово. Второе предложение тоже.", more=True)
        await send_message(line, type="end")
        heard = await receive_utterance(line)
    assert [m["frame"] for m in heard.messages if m["type"] == "mark"] == [0, 30]


async def test_cancel_means_silence_within_two_frames_and_a_closed_voice() -> None:
    with run_phone(SpeakingAssistant(chunks=50, chunk_s=0.2, delay_s=0.05)) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", id="long", text="Очень длинный рассказ")
            await receive_utterance(line, frames=20)
            await send_message(line, type="cancel", id="long")
            rest = await receive_utterance(line)
            assert rest.last["type"] == "cancelled"
            assert len(rest.frames) <= 2
            assert await door.wait_until(lambda: door.assistant.open_streams == 0) < 1
            await send_message(line, type="speak", id="next", text="Слушаю")
            heard = await receive_utterance(line, frames=5)
            assert heard.messages[0]["id"] == "next"


async def test_cancel_without_an_id_empties_the_line() -> None:
    with run_phone(SpeakingAssistant(chunks=50)) as door:
        async with door.dial() as line:
            for name in ("one", "two", "three"):
                await send_message(line, type="speak", id=name, text=name)
            await receive_utterance(line, frames=5)
            await send_message(line, type="cancel")
            cancelled = [(await receive_utterance(line)).last for _ in range(3)]
            await send_message(line, type="speak", id="after", text="Да?")
            heard = await receive_utterance(line, frames=1)
    assert {m["id"] for m in cancelled} == {"one", "two", "three"}
    assert {m["type"] for m in cancelled} == {"cancelled"}
    assert heard.messages[0]["id"] == "after"


async def test_a_late_cancel_changes_nothing(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="cancel", id="gone")
        await send_message(line, type="speak", id="here", text="Я тут")
        assert (await receive_utterance(line)).kinds == ["started", "mark", "finished"]


async def test_a_voice_that_waits_for_text_can_be_cancelled(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="open", more=True)
        assert (await receive_utterance(line, ends=("started",))).last["id"] == "open"
        await send_message(line, type="cancel")
        assert (await receive_utterance(line)).last == {"type": "cancelled", "id": "open", "frames": 0}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "invalid_request"),
        ("[" * 30_000, "invalid_request"),
        ('{"type": "speak", "text": "\\ud800"}', "invalid_request"),
        ("[]", "invalid_request"),
        ("{}", "invalid_request"),
        ('{"type": "sing"}', "invalid_request"),
        ('{"type": "speak", "text": "  "}', "invalid_request"),
        ('{"type": "speak", "text": "x", "format": "opus"}', "invalid_request"),
        ('{"type": "speak", "text": "x", "speed": 1e999}', "invalid_request"),
        ('{"type": "speak", "text": "x", "volume": 2}', "invalid_request"),
        ('{"type": "speak", "text": "x", "id": "два слова"}', "invalid_request"),
        ('{"type": "text", "text": "x"}', "not_found"),
        ('{"type": "end", "id": "nobody"}', "not_found"),
        ('{"type": "auth", "api_key": "again"}', "conflict"),
        (json.dumps({"type": "speak", "text": "a" * 5_000}), "text_too_long"),
        (json.dumps({"type": "speak", "text": "a" * 70_000}), "request_too_large"),
        ('{"type": "speak", "text": "x", "voice": "nobody"}', "voice_not_found"),
        ('{"type": "speak", "text": "сломайся"}', "engine_failed"),
        (b"\x00\x01", "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_errors_are_told_and_keep_the_line_open(door: RunningPhone, message: str | bytes, code: str) -> None:
    async with door.dial() as line:
        await line.send(message)
        heard = await receive_utterance(line)
        assert heard.last["type"] == "error"
        assert heard.last["code"] == code
        await send_message(line, type="speak", id="next", text="Работает")
        assert (await receive_utterance(line)).last["type"] == "finished"


async def test_frames_made_before_the_voice_broke_are_played(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="сломайся")
        heard = await receive_utterance(line)
    assert heard.last["id"] == "a"
    assert len(heard.frames) == 10


async def test_the_end_of_a_sentence_is_heard_before_the_next_one_is_written(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Первое предложение готово. Вто", more=True)
        heard = await receive_utterance(line, frames=30)
        assert len(heard.frames) == 30
        await send_message(line, type="end")
        await receive_utterance(line)


async def test_an_id_in_use_is_refused(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="Первый")
        await send_message(line, type="speak", id="a", text="Второй")
        assert (await receive_utterance(line)).last["code"] == "conflict"
        assert (await receive_utterance(line)).last["type"] == "finished"


async def test_text_beyond_the_limit_ends_only_the_message(door: RunningPhone) -> None:
    with run_phone(current=snapshot(max_chars=50)) as small:
        async with small.dial() as line:
            await send_message(line, type="speak", id="a", text="Привет. ", more=True)
            await send_message(line, type="text", id="a", text="x" * 60)
            assert (await receive_utterance(line)).last["code"] == "text_too_long"
            await send_message(line, type="end", id="a")
            assert (await receive_utterance(line)).last["type"] == "finished"


async def test_voice_language_and_speed_reach_the_assistant(door: RunningPhone) -> None:
    door.assistant.spoken.clear()
    async with door.dial() as line:
        await send_message(line, type="speak", text="Hi", voice="joe", language="en", speed=1.5)
        await receive_utterance(line)
    request = door.assistant.spoken[-1]
    assert (request.voice_id, request.language, request.speed) == ("joe", "en", 1.5)


async def test_the_observer_hears_of_first_audio_and_total(door: RunningPhone) -> None:
    door.observer.stages.clear()
    async with door.dial() as line:
        await send_message(line, type="speak", text="Раз")
        await receive_utterance(line)
    assert door.observer.stages == [("first_audio", "phone"), ("total", "phone")]


async def test_the_voice_is_not_read_far_ahead_of_the_line() -> None:
    settings = PhoneSettings(line=LineSettings(max_ahead_s=1.0))
    with run_phone(SpeakingAssistant(chunks=100, chunk_s=0.2), settings=settings) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Роман")
            await receive_utterance(line, frames=25)
            await asyncio.sleep(0.1)
            assert door.assistant.made <= (0.6 + 1.0) / 0.2 + 2


# ---- the first message of the reference system ----


async def test_the_reference_request_is_understood(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Добрый день", voice=None, language="ru", preset="natural", stream_chunk_size=20)
        heard = await receive_utterance(line, ends=("done", "error"))
    assert heard.messages[0] == {"status": "starting", "sample_rate": 8000}
    assert {len(f) for f in heard.frames} == {320}
    assert heard.last["done"] is True
    assert heard.last["chunks"] == 30


async def test_the_reference_rates_are_honoured(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Раз", target_sample_rate=None)
        heard = await receive_utterance(line, ends=("done", "error"))
    assert heard.messages[0]["sample_rate"] == 24000
    assert {len(f) for f in heard.frames} == {960}


async def test_what_the_reference_request_cannot_have_here_is_said(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Раз", output_format="float32")
        assert "output_format" in (await receive_utterance(line)).last["message"]
        await send_message(line, text="Раз", voice="nobody")
        assert (await receive_utterance(line, ends=("error",))).last == {"error": "there is no voice 'nobody'"}
