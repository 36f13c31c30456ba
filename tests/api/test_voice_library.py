"""Voices and consents through the official OpenAI client."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.speech.key_voice_library import KeyVoiceLibrary
from deployments.api.app import DoorServices, build_app
from deployments.api.metrics import Metrics
from deployments.contracts.errors import VoiceConsentMissing
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.assistant import ConversationAssistant
from tests.api.admin.admin_client import OfficeSnapshots, opened_office
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.fakes.folder_speech import FolderToneEngine
from tests.fakes.voice_recordings import speech, wav

RECORDING, SAMPLE = ("consent.wav", wav(speech(3)), "audio/wav"), ("sample.wav", wav(speech(8)), "audio/wav")


@dataclass
class VoiceDoor:
    office: OfficeServices
    assistant: ConversationAssistant
    transport: httpx.ASGITransport

    async def client(self, *scopes: str) -> openai.AsyncOpenAI:
        name = f"key {len(self.office.publisher.current.api_keys)}"
        key, plain = await self.office.keys.create(name, scopes)
        assert key.digest == hashlib.sha256(plain.encode()).hexdigest()
        http = httpx.AsyncClient(transport=self.transport)
        return openai.AsyncOpenAI(api_key=plain, base_url="http://door/v1", http_client=http, max_retries=0)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[VoiceDoor]:
    async with opened_office(tmp_path) as office:
        assistant = await scripted_secretary(office, speech=FolderToneEngine(tmp_path / "data" / "models" / "voices"))
        library = KeyVoiceLibrary(office.voice_consents, office.cloned_voices, assistant.installed_voices)
        services = DoorServices(
            assistant=assistant, snapshots=OfficeSnapshots(office), metrics=Metrics(), voice_library=library
        )
        yield VoiceDoor(office, assistant, httpx.ASGITransport(build_app(services)))


async def test_voice_is_made_spoken_and_revoked(door: VoiceDoor) -> None:
    client = await door.client("voices", "audio")
    consent = await client.audio.voice_consents.create(name="Гуля", language="ru-RU", recording=RECORDING)
    assert (consent.object, consent.name, consent.language) == ("audio.voice_consent", "Гуля", "ru-RU")
    voice = await client.audio.voices.create(name="Gulya", consent=consent.id, audio_sample=SAMPLE)
    assert (voice.object, voice.id, voice.name) == ("audio.voice", "gulya", "Gulya")
    spoken = await client.audio.speech.create(
        model="tts-1", voice=voice.id, input="Добрый день.", response_format="wav"
    )
    assert spoken.content[:4] == b"RIFF"
    listed = httpx.AsyncClient(transport=door.transport, base_url="http://door")
    assert "gulya" in (await listed.get("/v1/audio/voices")).text
    assert [each.id async for each in client.audio.voice_consents.list()] == [consent.id]
    renamed = await client.audio.voice_consents.update(consent.id, name="Гульнара")
    assert (await client.audio.voice_consents.retrieve(consent.id)).name == renamed.name == "Гульнара"
    assert (await client.audio.voice_consents.delete(consent.id)).deleted
    assert [each.id async for each in client.audio.voice_consents.list()] == []
    assert "gulya" not in (await listed.get("/v1/audio/voices")).text
    with pytest.raises(openai.PermissionDeniedError, match="was revoked on"):
        await client.audio.speech.create(model="tts-1", voice=voice.id, input="Добрый день.")
    with pytest.raises(VoiceConsentMissing):
        door.assistant.speak(SpeechRequest("Добрый день.", "gulya"))
    removed = await client.delete(f"/audio/voices/{voice.id}", cast_to=dict[str, object])
    assert removed == {"id": "gulya", "object": "audio.voice", "deleted": True}


@pytest.mark.parametrize("scopes", [("audio",), ("chat", "audio", "metrics")])
async def test_key_without_the_scope_is_refused(door: VoiceDoor, scopes: tuple[str, ...]) -> None:
    client = await door.client(*scopes)
    with pytest.raises(openai.PermissionDeniedError, match="lacks the scope 'voices'"):
        await client.audio.voice_consents.create(name="Гуля", language="ru", recording=RECORDING)
    with pytest.raises(openai.PermissionDeniedError):
        await client.audio.voices.create(name="Гуля", consent="cons_1", audio_sample=SAMPLE)
    with pytest.raises(openai.PermissionDeniedError):
        await client.delete("/audio/voices/gulya", cast_to=object)


async def test_new_key_has_no_scope_for_voices(door: VoiceDoor) -> None:
    key, _ = await door.office.keys.create("plain")
    assert "voices" not in key.scopes


async def test_key_sees_only_what_it_recorded(door: VoiceDoor) -> None:
    one, other = await door.client("voices"), await door.client("voices")
    consent = await one.audio.voice_consents.create(name="Гуля", language="ru", recording=RECORDING)
    voice = await one.audio.voices.create(name="Гуля", consent=consent.id, audio_sample=SAMPLE)
    assert [each.id async for each in other.audio.voice_consents.list()] == []
    for attempt in (
        other.audio.voice_consents.delete(consent.id),
        other.audio.voice_consents.retrieve(consent.id),
        other.audio.voice_consents.update(consent.id, name="x"),
        other.audio.voices.create(name="Моя", consent=consent.id, audio_sample=SAMPLE),
        other.delete(f"/audio/voices/{voice.id}", cast_to=object),
    ):
        with pytest.raises(openai.NotFoundError):
            await attempt


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "name is empty"),
        ({"language": "русский"}, "BCP 47"),
        ({"language": "fr"}, "no usual wording in 'fr'"),
        ({"recording": ("x.wav", b"", "audio/wav")}, "The file is empty"),
        ({"recording": ("x.wav", wav(speech(0.5)), "audio/wav")}, "has 0.5 seconds; it needs 1 to 60"),
    ],
)
async def test_wrong_consent_is_refused(door: VoiceDoor, fields: dict[str, object], said: str) -> None:
    client = await door.client("voices")
    given = {"name": "Гуля", "language": "ru", "recording": RECORDING, **fields}
    with pytest.raises(openai.BadRequestError, match=said):
        await client.audio.voice_consents.create(**given)  # type: ignore[arg-type]
