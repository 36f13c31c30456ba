"""Speech recognition over the admin API."""

import struct
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.recognition import recognition_router
from deployments.api.limits import StreamSlots
from deployments.audio.encode import wav_file
from deployments.contracts.audio import PCM16_8K
from deployments.conversation.assistant import ConversationAssistant
from tests.api.admin.admin_client import OfficeSnapshots, admin_client
from tests.api.admin.scripted_secretary import scripted_secretary


def recognition_client(
    office: OfficeServices, assistant: ConversationAssistant
) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    snapshots = OfficeSnapshots(office)
    router = recognition_router(OfficeSpeech(assistant, snapshots, StreamSlots()))
    return admin_client(office, lambda _: [router], "operator")


@pytest.fixture
async def client(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with recognition_client(office, await scripted_secretary(office)) as client:
        yield client


async def test_status_lists_recognition_engines(client: httpx.AsyncClient) -> None:
    state = (await client.get("/stt/status")).json()
    assert (state["preferred_engine"], state["vosk"]["available"]) == ("transcript", False)
    models = (await client.get("/stt/models")).json()["models"]
    assert [(each["name"], each["ready"]) for each in models] == [("transcript", True)]


def recording() -> bytes:
    tone = struct.pack("<8000h", *([9000, -9000] * 4000))
    return wav_file(tone, PCM16_8K)


async def test_transcribe_takes_form_or_query_fields(client: httpx.AsyncClient) -> None:
    upload = {"file": ("звук.wav", recording(), "audio/wav")}
    by_form = await client.post("/stt/transcribe", files=upload, data={"language": "en", "engine": "transcript"})
    by_address = await client.post("/stt/transcribe", files=upload, params={"language": "en", "engine": "auto"})
    for reply in (by_form, by_address):
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert (body["text"], body["language"], body["engine"]) == ("привет", "en", "transcript")
        assert body["seconds"] == pytest.approx(1, abs=0.01)
    for fields, status in (({"engine": "vosk"}, 404), ({"engine": "../x"}, 400), ({"language": "русский"}, 400)):
        assert (await client.post("/stt/transcribe", files=upload, data=fields)).status_code == status


async def test_transcribe_invalid_upload_is_rejected(client: httpx.AsyncClient) -> None:
    for files, status in (
        ({"file": ("x.wav", b"not sound at all")}, 400),
        ({"file": ("x.wav", b"")}, 400),
        ({"other": ("x.wav", b"x")}, 400),
        ({"file": ("x.wav", b"x" * 26_000_000)}, 413),
    ):
        assert (await client.post("/stt/transcribe", files=files)).status_code == status
    assert (await client.post("/stt/transcribe", json={})).status_code == 415
    broken = {"content-type": "multipart/form-data"}
    assert (await client.post("/stt/transcribe", content=b"x", headers=broken)).status_code == 400


async def test_round_trip_compares_the_texts(office: OfficeServices) -> None:
    secretary = await scripted_secretary(office, transcript="Добрый день, это проверка.")
    async with recognition_client(office, secretary) as client:
        result = (await client.post("/stt/test", json={"text_to_speak": "добрый день это ПРОВЕРКА"})).json()
        assert (result["match"], result["ratio"], result["words_count"]) == (True, 1.0, 4)
        other = (await client.post("/stt/test", json={"text_to_speak": "совсем другое"})).json()
        assert other["match"] is False
        assert 0 <= other["ratio"] < 0.8
        assert (await client.post("/stt/test", json={"text_to_speak": ""})).status_code == 400
