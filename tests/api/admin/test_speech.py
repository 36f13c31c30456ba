"""Voices, presets and synthesis over the admin API and its websocket."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.pcm import SoundBlocks
from deployments.api.admin.speech.schemas import SynthesisStreamBody
from deployments.api.admin.speech.streaming import streaming_router
from deployments.api.limits import StreamSlots
from deployments.contracts.audio import PCM16_24K, SpeechChunk
from deployments.contracts.errors import VoiceNotFound
from deployments.contracts.identity import Role
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.assistant import ConversationAssistant
from deployments.engines.speech.tone import SECONDS_PER_CHARACTER
from tests.api.admin.admin_client import OfficeSnapshots, admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.api.admin.speech_area import open_speech_socket, speech_routers


@pytest.fixture
async def assistant(office: OfficeServices) -> ConversationAssistant:
    return await scripted_secretary(office)


@pytest.fixture
async def client(office: OfficeServices, assistant: ConversationAssistant) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, lambda o: speech_routers(o, assistant), "operator") as client:
        yield client


async def spoken_seconds(assistant: ConversationAssistant, **fields: object) -> float:
    request = SpeechRequest("Добрый день всем", **fields)
    return sum([chunk.seconds async for chunk in assistant.speak(request)])


async def test_builtin_presets_cannot_be_changed(client: httpx.AsyncClient) -> None:
    reply = (await client.get("/tts/presets")).json()
    assert list(reply["presets"]) == ["neutral", "warm", "energetic", "calm", "natural"]
    assert reply["current"] == "neutral"
    warm = reply["presets"]["warm"]["params"]
    assert list(warm.values()) == [0.85, 3.0, 60, 0.9, 0.95, 15, 5]
    change = {"params": {"speed": 2}, "version": 1}
    assert (await client.put("/tts/presets/custom/warm", json=change)).status_code == 403
    assert (await client.delete("/tts/presets/custom/warm")).status_code == 403
    assert (await client.post("/tts/presets/custom", json={"name": "warm"})).status_code == 409


async def test_custom_preset_changes_synthesis(client: httpx.AsyncClient, assistant: ConversationAssistant) -> None:
    plain = await spoken_seconds(assistant)
    name = "Быстро / очень 🚀"
    made = await client.post("/tts/presets/custom", json={"name": name, "params": {"speed": 2.0}})
    assert made.status_code == 201, made.text
    assert (await client.post("/tts/presets/custom", json={"name": name})).status_code == 409
    assert (await client.post("/tts/preset", json={"preset": name})).json()["settings"]["speed"] == 2.0
    assert await spoken_seconds(assistant) == pytest.approx(plain / 2, rel=0.01)
    assert await spoken_seconds(assistant, preset="neutral") == pytest.approx(plain, rel=0.01)
    path = f"/tts/presets/custom/{httpx.QueryParams({'n': name})}".replace("n=", "").replace("+", "%20")
    assert (await client.delete(path)).status_code == 409
    changed = await client.put(path, json={"params": {"speed": 4.0}}, headers={"if-match": made.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert await spoken_seconds(assistant) == pytest.approx(plain / 4, rel=0.01)
    assert (await client.put(path, json={"version": 1})).status_code == 409
    assert (await client.post("/tts/preset", json={"preset": "нет такого"})).status_code == 404
    await client.post("/tts/preset", json={"preset": "neutral"})
    assert (await client.delete(path)).status_code == 204
    assert (await client.get("/tts/presets/custom")).json()["presets"] == {}


async def test_preset_invalid_params_are_rejected(client: httpx.AsyncClient) -> None:
    for params in (
        {"speed": 0},
        {"speed": 5},
        {"top_p": 2},
        {"top_k": 1.5},
        {"loud": 1},
        [1],
    ):
        reply = await client.post("/tts/presets/custom", json={"name": "x", "params": params})
        assert reply.status_code == 400
        assert reply.json()["error"]["param"].startswith("params")


async def test_general_rate_changes_synthesis(client: httpx.AsyncClient, assistant: ConversationAssistant) -> None:
    plain = await spoken_seconds(assistant)
    assert (await client.post("/tts/piper/params", json={"speed": 2})).json()["speed"] == 2
    assert await spoken_seconds(assistant) == pytest.approx(plain / 2, rel=0.01)
    assert (await client.post("/tts/piper/params", json={"speed": 9})).status_code == 400


async def test_disabled_voice_is_not_listed_or_used(
    client: httpx.AsyncClient, assistant: ConversationAssistant
) -> None:
    path = "/voices/tone-ru"
    assert (await client.patch(path, json={"enabled": False})).status_code == 428
    off = await client.patch(path, json={"enabled": False, "version": 0})
    assert (off.json()["enabled"], off.json()["version"]) == (False, 1)
    assert [voice.id for voice in assistant.voices()] == ["tone-en"]
    with pytest.raises(VoiceNotFound, match="tone-ru"):
        assistant.speak(SpeechRequest("Привет", "tone-ru"))
    listed = {voice["id"]: voice for voice in (await client.get("/voices")).json()["voices"]}
    assert (listed["tone-ru"]["enabled"], listed["tone-en"]["enabled"]) == (False, True)
    assert (await client.post("/tts/test", json={"text": "Привет", "voice": "tone-ru"})).status_code == 404
    assert (await client.post("/voice", json={"voice": "tone-ru"})).status_code == 404
    assert (await client.patch(path, json={"enabled": True, "version": 0})).status_code == 409
    on = await client.patch(path, json={"enabled": True, "name": "Голос"}, headers={"if-match": off.headers["etag"]})
    assert on.status_code == 200
    assert [voice.name for voice in assistant.voices()] == ["Голос", "Tone (en)"]
    assert (await client.patch("/voices/none", json={"version": 0})).status_code == 404
    assert (await client.patch(path, json={"preset": "none", "version": 2})).status_code == 400


async def test_voice_preset_changes_synthesis(client: httpx.AsyncClient, assistant: ConversationAssistant) -> None:
    plain = await spoken_seconds(assistant)
    done = await client.patch("/tts/voices/tone-ru", json={"preset": "energetic", "version": 0})
    assert done.status_code == 200
    assert await spoken_seconds(assistant) == pytest.approx(plain / 1.1, rel=0.01)
    assert await spoken_seconds(assistant, voice_id="tone-en") == pytest.approx(plain, rel=0.01)


async def test_sample_with_unsaved_parameters(client: httpx.AsyncClient) -> None:
    usual = await client.post("/tts/test", json={"text": "Добрый день", "voice": "tone-ru"})
    fast = {"text": "Добрый день", "voice": "tone-ru", "parameters": {"speed": 2}}
    assert float((await client.post("/tts/test", json=fast)).headers["x-duration-sec"]) == pytest.approx(
        float(usual.headers["x-duration-sec"]) / 2, abs=0.01
    )
    fast["parameters"] = {"speed": 9}
    assert (await client.post("/tts/test", json=fast)).status_code == 400


async def test_default_voice_is_chosen_and_tested(client: httpx.AsyncClient, office: OfficeServices) -> None:
    assert (await client.get("/voice")).json() == {"engine": "tone", "voice": "tone-ru"}
    assert (await client.post("/voice", json={"voice": "tone-en", "language": "ru"})).status_code == 400
    chosen = await client.post("/voice", json={"voice": "tone-en", "language": "en"})
    assert chosen.json() == {"status": "ok", "engine": "tone", "voice": "tone-en"}
    assert office.publisher.current.settings.speech.default_voices == {"en": "tone-en"}
    spoken = await client.post("/voice/test", json={"voice": "tone-en"})
    assert spoken.headers["content-type"] == "audio/wav"
    assert (await client.post("/voice/test", json={"voice": "none"})).status_code == 404


async def test_tts_test_returns_wav_with_timing_headers(client: httpx.AsyncClient) -> None:
    reply = await client.post("/tts/test", json={"text": "Добрый день", "preset": "neutral"})
    assert reply.status_code == 200, reply.text
    with wave.open(io.BytesIO(reply.content)) as file:
        length = file.getnframes() / file.getframerate()
    assert length == pytest.approx(len("Добрый день") * SECONDS_PER_CHARACTER, abs=0.02)
    assert float(reply.headers["x-duration-sec"]) == pytest.approx(length, abs=0.01)
    took = float(reply.headers["x-synthesis-time-sec"])
    assert float(reply.headers["x-rtf"]) == pytest.approx(took / length, rel=0.05, abs=0.001)


async def test_synthesis_invalid_body_is_rejected(client: httpx.AsyncClient) -> None:
    for body, param in (
        ({"text": ""}, "input"),
        ({"text": "x" * 4097}, "input"),
        ({"text": "x\0"}, "body"),
        ({"text": "x", "preset": "none"}, "preset"),
        ({"text": "x", "language": "русский"}, "language"),
        ({"text": None}, "text"),
        ({}, "text"),
    ):
        for path in (
            "/tts/test",
            "/tts/stream",
        ):
            reply = await client.post(path, json=body)
            assert reply.status_code == 400, reply.text
            assert reply.json()["error"]["param"] == param


async def test_phrase_cache_is_cleared(client: httpx.AsyncClient, assistant: ConversationAssistant) -> None:
    await spoken_seconds(assistant)
    await spoken_seconds(assistant)
    observer = assistant._observer
    assert observer.hits == [False, True]
    before = (await client.get("/tts/cache")).json()
    after = (await client.delete("/tts/cache")).json()
    assert after["epoch"] > before["epoch"]
    await spoken_seconds(assistant)
    await spoken_seconds(assistant)
    assert observer.hits == [False, True, False, True]


async def test_stream_converts_to_requested_rate(client: httpx.AsyncClient) -> None:
    length = len("Добрый день") * SECONDS_PER_CHARACTER
    for body, rate, width in (
        ({}, 8_000, 2),
        ({"target_sample_rate": None}, 24_000, 2),
        ({"target_sample_rate": 16_000, "output_format": "float32"}, 16_000, 4),
    ):
        reply = await client.post("/tts/stream", json={"text": "Добрый день", **body})
        assert reply.status_code == 200, reply.text
        headers = reply.headers
        assert (headers["content-type"], headers["x-sample-rate"]) == ("application/octet-stream", str(rate))
        assert (headers["x-channels"], headers["x-format"]) == ("1", body.get("output_format", "pcm16"))
        assert float(headers["x-first-chunk-ms"]) >= 0
        assert len(reply.content) / width / rate == pytest.approx(length, abs=0.01)
    for wrong in ({"target_sample_rate": 1}, {"output_format": "mp3"}, {"stream_chunk_size": 0}):
        assert (await client.post("/tts/stream", json={"text": "x", **wrong})).status_code == 400


async def test_pcm_conversion_clips_loud_samples() -> None:
    square = np.where(np.arange(4_800) // 24 % 2, 32_767, -32_768).astype("<i2").tobytes()

    async def loud() -> AsyncIterator[SpeechChunk]:
        yield SpeechChunk(square, PCM16_24K)

    for form, kind, top in (("pcm16", "<i2", 32_767), ("float32", "<f4", 1.0)):
        body = SynthesisStreamBody(text="x", output_format=form)
        sound = np.frombuffer(b"".join([block async for block in SoundBlocks(body).convert(loud())]), kind)
        assert np.abs(sound.astype(float)).max() <= top + 1
        middle = sound[200:-200].astype(float)
        signs = np.sign(middle[np.abs(middle) > top * 0.5])
        assert np.count_nonzero(np.diff(signs)) <= len(square) / 2 / 24 + 2, "a wrap would add changes of sign"


async def test_socket_synthesizes_texts_in_order(office: OfficeServices, assistant: ConversationAssistant) -> None:
    async with open_speech_socket(office, assistant) as socket:
        await socket.send({"text": "Первое предложение. Второе предложение."})
        await socket.send({"text": "Ещё", "target_sample_rate": None})
        assert await socket.receive() == {"status": "starting", "sample_rate": 8000, "format": "pcm16"}
        blocks, end = await socket.until_text()
        assert (end["done"], end["chunks"]) == (True, blocks)
        assert 0 < end["first_chunk_ms"] <= end["total_ms"]
        assert (await socket.receive())["sample_rate"] == 24_000
        assert (await socket.until_text())[1]["done"] is True


async def test_socket_client_not_reading_is_closed(office: OfficeServices, assistant: ConversationAssistant) -> None:
    slots, stuck = StreamSlots(), asyncio.Event()
    app = FastAPI()
    app.include_router(streaming_router(OfficeSpeech(assistant, OfficeSnapshots(office), slots), send_timeout_s=0.1))
    inbound: asyncio.Queue = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, {"type": "websocket.receive", "text": '{"text": "Долго"}'}):
        inbound.put_nowait(message)

    async def send(message: dict) -> None:
        if message.get("bytes"):
            stuck.set()
            await asyncio.sleep(30)

    scope = {"type": "websocket", "path": "/tts/ws/stream", "headers": [], "query_string": b"", "subprotocols": []}
    await asyncio.wait_for(app({**scope, "root_path": ""}, inbound.get, send), 5)
    assert stuck.is_set()
    assert slots.live == 0


async def test_socket_error_keeps_the_socket_open(office: OfficeServices, assistant: ConversationAssistant) -> None:
    async with open_speech_socket(office, assistant) as socket:
        for wrong in (
            "{",
            "[]",
            "3",
            "[" * 100_000,
            {"text": ""},
            {"text": "x", "voice": "none"},
            {},
            {"text": "x" * 5000},
        ):
            await socket.send(wrong)
            assert (await socket.receive())["error"], wrong
        await socket.inbound.put({"type": "websocket.receive", "bytes": b"\0\1"})
        assert "JSON" in (await socket.receive())["error"]
        await socket.send({"text": "Всё же"})
        assert (await socket.receive())["status"] == "starting"
        assert (await socket.until_text())[1]["done"] is True


async def test_socket_streams_early_and_can_be_cancelled(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    text = "Первое предложение довольно короткое. " + "Потом идёт ещё одно предложение подлиннее. " * 40
    async with open_speech_socket(office, slow) as socket:
        await socket.send({"text": text})
        await socket.send({"text": "Этот текст ждёт."})
        assert (await socket.receive())["status"] == "starting"
        assert isinstance(await socket.receive(), bytes)
        assert slow._observer.live["tts"] == 1
        await socket.send({"cancel": True})
        for _ in range(2):
            _, end = await socket.until_text()
            assert end == {"done": True, "cancelled": True}
        assert slow._observer.live["tts"] == 0
        assert slow._observer.seconds < 30
        await socket.send({"text": "Дальше."})
        assert (await socket.receive())["status"] == "starting"
        assert (await socket.until_text())[1]["done"] is True


async def test_socket_disconnect_ends_synthesis(office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.05)
    async with open_speech_socket(office, slow) as socket:
        await socket.send({"text": "Очень длинная речь о многом. " * 50})
        assert (await socket.receive())["status"] == "starting"
        assert isinstance(await socket.receive(), bytes)
    assert slow._observer.live["tts"] == 0


async def test_live_streams_are_limited(client: httpx.AsyncClient, office: OfficeServices) -> None:
    slow = await scripted_secretary(office, delay_s=0.02)
    await office.settings.update_fields({"max_live_streams": 1}, "test", group="limits", role=Role.ADMIN)
    async with admin_client(office, lambda o: speech_routers(o, slow), "operator") as busy:
        body = {"text": "Длинная речь. " * 10}
        replies = await asyncio.gather(*(busy.post("/tts/test", json=body) for _ in range(3)))
    assert sorted(reply.status_code for reply in replies) == [200, 429, 429]


async def test_xtts_parameters_are_those_of_the_default_preset(client: httpx.AsyncClient) -> None:
    read = await client.get("/tts/xtts/params")
    assert (read.json()["preset"], read.json()["temperature"]) == ("neutral", 0.7)
    stale = await client.post("/tts/xtts/params", json={"temperature": 0.5}, headers={"if-match": '"99"'})
    assert stale.status_code == 409
    changed = await client.post(
        "/tts/xtts/params", json={"temperature": 0.5}, headers={"if-match": read.headers["etag"]}
    )
    assert (changed.json()["preset"], changed.json()["temperature"], changed.json()["top_k"]) == ("xtts", 0.5, 50)
    assert (await client.get("/tts/presets")).json()["current"] == "xtts"
    again = (await client.post("/tts/xtts/params", json={"top_k": 7})).json()
    assert (again["preset"], again["temperature"], again["top_k"]) == ("xtts", 0.5, 7)
    assert (await client.post("/tts/xtts/params", json={"temperature": 9})).status_code == 400
    assert (await client.get("/tts/xtts/params")).json()["top_k"] == 7
