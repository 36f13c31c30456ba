"""WS /phone/tts with a real server, a real client and a scripted assistant."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from deployments.api.phone.routes import PhoneSettings
from deployments.contracts.audio import PCM16_22K, SpeechChunk
from deployments.contracts.errors import VoiceConsentMissing
from deployments.contracts.settings import Settings, SpeechSettings
from deployments.contracts.speech import SpeechRequest
from deployments.telephony.session import LineSettings
from tests.telephony.phone_server import (
    RunningPhone,
    SpeakingAssistant,
    receive_utterance,
    run_phone,
    send_message,
    snapshot,
    tone,
)


@pytest.fixture(scope="module")
def door() -> Iterator[RunningPhone]:
    with run_phone() as opened:
        yield opened


SIZES = {"alaw": 160, "mulaw": 160, "pcm16": 320}


@pytest.mark.parametrize("format", SIZES)
async def test_frame_size_by_format(door: RunningPhone, format: str) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="Добрый день", format=format)
        received = await receive_utterance(line)
    assert {len(f) for f in received.frames} == {SIZES[format]}
    assert received.kinds == ["started", "mark", "finished"]
    assert received.messages[0]["frame_bytes"] == SIZES[format]
    assert received.last["frames"] == len(received.frames) == 15


async def test_first_frame_before_synthesis_ends() -> None:
    with run_phone(SpeakingAssistant(chunks=4, chunk_s=0.2, delay_s=0.15)) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Длинный ответ")
            received = await receive_utterance(line)
        assert received.times[0] < door.assistant.finished_at - 0.3
        assert received.last["first_frame_ms"] < 500


async def test_frames_arrive_in_real_time(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Ровно")
        received = await receive_utterance(line)
    assert received.times[-1] - received.times[0] == pytest.approx((15 - 4) * 0.02, abs=0.08)


async def test_requests_play_in_order(door: RunningPhone) -> None:
    async with door.dial() as line:
        for name in ("one", "two", "three"):
            await send_message(line, type="speak", id=name, text=name)
        received = [await receive_utterance(line) for _ in range(3)]
    assert [h.last["id"] for h in received] == ["one", "two", "three"]
    assert all(m["id"] == h.last["id"] for h in received for m in h.messages)


async def test_full_queue_refuses_requests() -> None:
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


async def test_voice_that_is_loading_says_when_to_retry(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="раз", voice="loading")
        last = (await receive_utterance(line)).last
    assert (last["code"], last["retryable"], last["retry_after_s"]) == ("unavailable", True, 2)


async def test_streamed_text_is_spoken_by_sentence(door: RunningPhone) -> None:
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
    assert not any(request.split for request in door.assistant.spoken)
    marks = [m["text"] for m in early.messages + rest.messages if m["type"] == "mark"]
    assert marks == ["Первое предложение готово.", "Второе тоже.", "А это конец"]
    assert rest.last["frames"] == 45


async def test_voice_learns_how_much_sound_the_line_has(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="due", text="Первое предложение. ", more=True)
        await send_message(line, type="text", id="due", text="Второе предложение.")
        await send_message(line, type="end", id="due")
        assert (await receive_utterance(line)).last["frames"] == 30
    first, second = (request.due_in for request in door.assistant.spoken[-2:])
    assert first == 0
    assert second == pytest.approx(0.3, abs=0.1)


async def test_mark_names_its_frame(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Первое предложение готово. Второе предложение тоже.", more=True)
        await send_message(line, type="end")
        received = await receive_utterance(line)
    assert [m["frame"] for m in received.messages if m["type"] == "mark"] == [0, 15]


async def test_cancel_stops_within_two_frames() -> None:
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
            received = await receive_utterance(line, frames=5)
            assert received.messages[0]["id"] == "next"


async def test_cancel_without_id_empties_the_queue() -> None:
    with run_phone(SpeakingAssistant(chunks=50)) as door:
        async with door.dial() as line:
            for name in ("one", "two", "three"):
                await send_message(line, type="speak", id=name, text=name)
            await receive_utterance(line, frames=5)
            await send_message(line, type="cancel")
            cancelled = [(await receive_utterance(line)).last for _ in range(3)]
            await send_message(line, type="speak", id="after", text="Да?")
            received = await receive_utterance(line, frames=1)
    assert {m["id"] for m in cancelled} == {"one", "two", "three"}
    assert {m["type"] for m in cancelled} == {"cancelled"}
    assert received.messages[0]["id"] == "after"


async def test_late_cancel_is_ignored(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="cancel", id="gone")
        await send_message(line, type="speak", id="here", text="Я тут")
        assert (await receive_utterance(line)).kinds == ["started", "mark", "finished"]


async def test_cancel_while_waiting_for_text(door: RunningPhone) -> None:
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
        ('{"type": "speak", "text": "x", "voice": "loading"}', "unavailable"),
        ('{"type": "speak", "text": "сломайся"}', "engine_failed"),
        (b"\x00\x01", "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_error_keeps_the_line_open(door: RunningPhone, message: str | bytes, code: str) -> None:
    async with door.dial() as line:
        await line.send(message)
        received = await receive_utterance(line)
        assert received.last["type"] == "error"
        assert received.last["code"] == code
        await send_message(line, type="speak", id="next", text="Работает")
        assert (await receive_utterance(line)).last["type"] == "finished"


class RevokedWhileSpeaking(SpeakingAssistant):
    """Every text is three sentences of a cloned voice. Its consent is revoked when the first one is played."""

    asked = 0

    async def _blocks(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        for sequence, text in enumerate(("Раз.", "Два.", "Три.")):
            yield SpeechChunk(tone(0.4), PCM16_22K, text, sequence, cloned_voice="gulya")

    def find_voice(self, voice_id: str | None) -> None:
        assert voice_id == "gulya"
        self.asked += 1
        if self.asked > 1:
            raise VoiceConsentMissing("the consent was revoked")


async def test_revoked_voice_stops_before_the_next_sentence() -> None:
    """Though the line has read ahead of what it plays."""
    with run_phone(RevokedWhileSpeaking()) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Раз. Два. Три.")
            received = await receive_utterance(line)
    assert received.kinds == ["started", "mark", "error"]
    assert received.last["code"] == "voice_consent_missing"
    assert len(received.frames) == pytest.approx(20, abs=1)


async def test_frames_before_synthesis_error_are_played(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="сломайся")
        received = await receive_utterance(line)
    assert received.last["id"] == "a"
    assert len(received.frames) == 5


async def test_sentence_is_played_before_the_next_is_written(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", text="Первое предложение готово. Вто", more=True)
        received = await receive_utterance(line, frames=15)
        assert len(received.frames) == 15
        await send_message(line, type="end")
        await receive_utterance(line)


async def test_duplicate_id_is_refused(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="a", text="Первый")
        await send_message(line, type="speak", id="a", text="Второй")
        assert (await receive_utterance(line)).last["code"] == "conflict"
        assert (await receive_utterance(line)).last["type"] == "finished"


async def test_too_long_text_ends_only_the_message(door: RunningPhone) -> None:
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


async def test_observer_gets_first_audio_and_total(door: RunningPhone) -> None:
    door.observer.stages.clear()
    async with door.dial() as line:
        await send_message(line, type="speak", text="Раз")
        await receive_utterance(line)
    assert door.observer.stages == [("first_audio", "phone"), ("total", "phone")]


async def test_synthesis_ahead_is_bounded() -> None:
    settings = PhoneSettings(line=LineSettings(max_ahead_s=1.0))
    with run_phone(SpeakingAssistant(chunks=100, chunk_s=0.2), settings=settings) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", text="Роман")
            await receive_utterance(line, frames=25)
            await asyncio.sleep(0.1)
            assert door.assistant.made <= (0.6 + 1.0) / 0.2 + 2


# ---- the first message of the reference system ----


async def test_reference_request_is_accepted(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Добрый день", voice=None, language="ru", preset="natural", stream_chunk_size=20)
        received = await receive_utterance(line, ends=("done", "error"))
    assert received.messages[0] == {"status": "starting", "sample_rate": 8000}
    assert {len(f) for f in received.frames} == {320}
    assert received.last["done"] is True
    assert received.last["chunks"] == 15


async def test_reference_sample_rates(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Раз", target_sample_rate=None)
        received = await receive_utterance(line, ends=("done", "error"))
    assert received.messages[0]["sample_rate"] == 24000
    assert {len(f) for f in received.frames} == {960}


async def test_reference_request_errors(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, text="Раз", output_format="float32")
        assert "output_format" in (await receive_utterance(line)).last["message"]
        await send_message(line, text="Раз", voice="nobody")
        assert (await receive_utterance(line, ends=("error",))).last == {"error": "there is no voice 'nobody'"}


async def test_filler_is_spoken_only_when_the_text_is_late(door: RunningPhone) -> None:
    async with door.dial() as line:
        await send_message(line, type="speak", id="late", more=True, language="en", filler_after_ms=100)
        late = await receive_utterance(line, ends=("mark",))
        await send_message(line, type="text", id="late", text="At nine.")
        await send_message(line, type="end", id="late")
        late.messages += (await receive_utterance(line)).messages
        await send_message(line, type="speak", id="soon", more=True, text="At ten.", filler_after_ms=60_000)
        await send_message(line, type="end", id="soon")
        soon = await receive_utterance(line)
        await send_message(line, type="speak", text="At once.", filler_after_ms=500)
        refused = (await receive_utterance(line)).last
    marks = [(each["text"], each.get("filler", False)) for each in late.messages if each["type"] == "mark"]
    assert marks == [("One moment, please.", True), ("At nine.", False)]
    assert [each["text"] for each in soon.messages if each["type"] == "mark"] == ["At ten."]
    assert (refused["code"], "more" in refused["message"]) == ("invalid_request", True)


async def test_filler_that_fails_does_not_fail_the_answer() -> None:
    broken = Settings(speech=SpeechSettings(fillers={"ru": "сломайся"}))
    with run_phone(current=snapshot().model_copy(update={"settings": broken})) as door:
        async with door.dial() as line:
            await send_message(line, type="speak", more=True, language="ru", filler_after_ms=100)
            await receive_utterance(line, ends=("mark",))
            await send_message(line, type="text", text="В девять.")
            await send_message(line, type="end")
            received = await receive_utterance(line)
    assert received.last["type"] == "finished"
    assert [each["text"] for each in received.messages if each["type"] == "mark"] == ["В девять."]
