"""Formats, frames, pacing, and texts that are cancelled and replaced by id."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.speech.pcm import SoundBlocks
from deployments.api.admin.speech.schemas import SynthesisStreamBody
from deployments.audio.g711 import alaw_decode, mulaw_decode
from deployments.contracts.audio import PCM16_24K, SpeechChunk
from deployments.conversation.assistant import ConversationAssistant
from deployments.engines.speech.tone import SECONDS_PER_CHARACTER
from tests.api.admin.admin_client import admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.api.admin.speech_area import open_speech_socket, speech_routers
from tests.telephony.phone_server import VirtualClock

TEXT = "Добрый день"
LONG = "Первое предложение довольно короткое. " + "Потом идёт ещё одно предложение подлиннее. " * 40


@pytest.fixture
async def assistant(office: OfficeServices) -> ConversationAssistant:
    return await scripted_secretary(office)


@pytest.fixture
async def client(office: OfficeServices, assistant: ConversationAssistant) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, lambda o: speech_routers(o, assistant), "operator") as client:
        yield client


def levels(sound: bytes, form: str) -> np.ndarray:
    """In -1..1."""
    if form == "float32":
        return np.frombuffer(sound, "<f4")
    decoded = {"alaw": alaw_decode, "mulaw": mulaw_decode}.get(form, bytes)(sound)
    return np.frombuffer(decoded, "<i2") / 32_768


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 48_000])
@pytest.mark.parametrize("form", ["pcm16", "float32", "alaw", "mulaw"])
async def test_stream_has_every_format_at_every_rate(client: httpx.AsyncClient, form: str, rate: int) -> None:
    body = {"text": TEXT, "target_sample_rate": rate, "output_format": form}
    whole = await client.post("/tts/stream", json=body)
    framed = await client.post("/tts/stream", json={**body, "frame_ms": 20})
    assert (whole.headers["x-format"], whole.headers["x-sample-rate"]) == (form, str(rate))
    heard = levels(whole.content, form)
    assert heard.size / rate == pytest.approx(len(TEXT) * SECONDS_PER_CHARACTER, abs=0.01)
    assert 0.25 < np.abs(heard).max() < 0.35
    in_frames = levels(framed.content, form)
    assert in_frames.size % (rate // 50) == 0
    assert np.array_equal(in_frames[: heard.size], heard)
    assert np.abs(in_frames[heard.size :]).max(initial=0) < 0.001


async def test_paced_frames_leave_when_they_are_due() -> None:
    clock = VirtualClock()

    async def chunks() -> AsyncIterator[SpeechChunk]:
        yield SpeechChunk(PCM16_24K.silence(1.0), PCM16_24K)
        await clock.sleep(3)
        yield SpeechChunk(PCM16_24K.silence(0.2), PCM16_24K)

    blocks = SoundBlocks(SynthesisStreamBody(text=TEXT, target_sample_rate=None, paced=True), clock)
    began = clock.now()
    left = [(round(clock.now() - began, 3), len(block)) async for block in blocks.convert(chunks())]
    assert {size for _, size in left} == {960}
    assert left[3][0] == 0
    assert left[49][0] == pytest.approx(0.92)
    assert (left[50][0] > 3, blocks.underruns) == (True, 1)


async def test_socket_sends_frames_and_repeats_the_id(office: OfficeServices, assistant: ConversationAssistant) -> None:
    async with open_speech_socket(office, assistant) as socket:
        await socket.send({"text": TEXT, "output_format": "alaw", "frame_ms": 20, "id": "a1"})
        assert await socket.receive() == {"status": "starting", "sample_rate": 8_000, "format": "alaw", "id": "a1"}
        sizes = set()
        while isinstance(message := await socket.receive(), bytes):
            sizes.add(len(message))
        assert (sizes, message["id"], "underruns" in message) == ({160}, "a1", False)
        await socket.send({"text": "Да", "paced": True})
        assert (await socket.receive())["status"] == "starting"
        assert (await socket.until_text())[1]["underruns"] == 0
        for wrong in ({"frame_ms": 1}, {"id": ""}, {"id": "x" * 65}, {"output_format": "opus"}, {"paced": "?"}):
            await socket.send({"text": TEXT, **wrong})
            assert (await socket.receive())["code"] == "invalid_request", wrong


async def test_socket_cancels_one_text(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    async with open_speech_socket(office, slow) as socket:
        for name in ("a", "b", "c"):
            await socket.send({"text": LONG if name == "a" else "Да", "id": name})
        assert (await socket.receive())["id"] == "a"
        await socket.send({"cancel": True, "id": "b"})
        assert (await socket.until_text())[1] == {"done": True, "cancelled": True, "id": "b"}
        await socket.send({"cancel": True, "id": "b"})
        assert (await socket.until_text())[1]["code"] == "not_found"
        await socket.send({"cancel": True, "id": "a"})
        assert (await socket.until_text())[1] == {"done": True, "cancelled": True, "id": "a"}
        assert (await socket.receive())["id"] == "c"
        assert (await socket.until_text())[1]["done"] is True
    assert slow._observer.live["tts"] == 0


async def test_text_with_the_same_id_replaces_the_earlier(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    async with open_speech_socket(office, slow) as socket:
        for name in ("a", "b", "c"):
            await socket.send({"text": LONG, "id": name})
        assert (await socket.receive())["id"] == "a"
        await socket.send({"text": "Да", "id": "b"})
        assert (await socket.until_text())[1] == {"done": True, "cancelled": True, "id": "b"}
        await socket.send({"text": "Да", "id": "a"})
        assert (await socket.until_text())[1] == {"done": True, "cancelled": True, "id": "a"}
        for name in ("a", "b"):
            starting, (_, done) = await socket.receive(), await socket.until_text()
            assert (starting["id"], done["id"], "cancelled" in done) == (name, name, False)
        assert (await socket.receive())["id"] == "c"
        await socket.send({"cancel": True})
        assert (await socket.until_text())[1]["cancelled"] is True


async def test_socket_bounds_the_texts_that_wait(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    async with open_speech_socket(office, slow) as socket:
        await socket.send({"text": LONG})
        assert (await socket.receive())["status"] == "starting"
        for _ in range(17):
            await socket.send({"text": "Да"})
        assert (await socket.until_text())[1]["code"] == "overloaded"
        await socket.send({"cancel": True})
        ends = [(await socket.until_text())[1] for _ in range(17)]
        assert ends == [{"done": True, "cancelled": True}] * 17


async def test_vanished_sockets_leave_nothing_behind(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    before = len(asyncio.all_tasks())
    for wrong in ("{", "\x00" * 100, '{"cancel": true, "id": 3}'):
        async with open_speech_socket(office, slow) as socket:
            await socket.send({"text": LONG, "paced": True})
            assert (await socket.receive())["status"] == "starting"
            await socket.send(wrong)
            assert (await socket.until_text())[1]["error"]
    assert slow._observer.live["tts"] == 0
    assert len(asyncio.all_tasks()) == before
