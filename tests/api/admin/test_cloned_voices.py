"""Cloned voices, the consents to them and pronunciations over the admin API."""

import json
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import VoiceConsentMissing
from deployments.contracts.identity import Identity, Role
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.assistant import ConversationAssistant
from tests.api.admin.admin_client import admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.api.admin.speech_area import speech_routers
from tests.fakes.folder_speech import FolderToneEngine
from tests.fakes.voice_recordings import speech, wav

ANNA = Identity("anna", Role.ADMIN)
SAMPLE = wav(speech(8))


@dataclass
class Studio:
    client: httpx.AsyncClient
    office: OfficeServices
    assistant: ConversationAssistant
    folder: Path

    async def consent(self, person: str = "Гуля") -> str:
        form = {"person": person, "language": "ru"}
        reply = await self.client.post("/voices/consents", data=form, files={"recording": wav(speech(3))})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def voice(self, consent: str, name: str = "Гуля", **form: str) -> httpx.Response:
        data = {"name": name, "consent_id": consent, **form}
        return await self.client.post("/voices/cloned", data=data, files={"file": ("gulya.mp3", SAMPLE)})

    async def spoken(self, voice: str) -> float:
        return sum([chunk.seconds async for chunk in self.assistant.speak(SpeechRequest("Добрый день.", voice))])


@pytest.fixture
async def studio(office: OfficeServices, tmp_path: Path) -> AsyncIterator[Studio]:
    folder = tmp_path / "data" / "models" / "voices"
    assistant = await scripted_secretary(office, speech=FolderToneEngine(folder))
    async with admin_client(office, lambda o: speech_routers(o, assistant)) as client:
        yield Studio(client, office, assistant, folder)


async def test_recording_is_checked_without_storing_it(studio: Studio) -> None:
    consent = await studio.consent()
    good = await studio.client.post("/voices/cloned/check", data={"consent_id": consent}, files={"file": SAMPLE})
    assert good.json()["usable"] is True
    assert [each["check"] for each in good.json()["checks"]][-1] == "person"
    other = wav(speech(8, 220))
    wrong = await studio.client.post("/voices/cloned/check", data={"consent_id": consent}, files={"file": other})
    assert [each["check"] for each in wrong.json()["checks"] if each["problem"]] == ["person"]
    short = await studio.client.post("/voices/cloned/check", files={"file": wav(speech(3))})
    assert [(each["check"], each["measured"]) for each in short.json()["checks"] if each["problem"]] == [("length", 3)]
    assert (await studio.client.get("/voices/cloned")).json()["voices"] == []


async def test_voice_from_consent_to_deletion(studio: Studio) -> None:
    wording = (await studio.client.get("/voices/consents/wording?language=ru")).json()["wording"]
    consent = await studio.consent()
    made = await studio.voice(consent, id="gulya", languages="ru, en")
    assert made.status_code == 201, made.text
    assert (made.json()["speaks"], made.json()["seconds"], made.json()["languages"]) == (True, 8.0, ["ru", "en"])
    facts = json.loads((studio.folder / "gulya" / "voice.json").read_text())
    assert facts == {"id": "gulya", "name": "Гуля", "languages": ["ru", "en"], "consent_id": consent}
    with wave.open(str(studio.folder / "gulya" / "sample-1.wav")) as sample:
        assert (sample.getnchannels(), sample.getsampwidth(), sample.getframerate()) == (1, 2, 24_000)
    assert await studio.spoken("gulya")
    listed = (await studio.client.get("/voices/gulya")).json()
    assert (listed["cloned"], listed["available"], listed["name"]) == (True, True, "Гуля")
    detail = (await studio.client.get("/voices/cloned/gulya")).json()
    heard = await studio.client.get(f"/voices/cloned/gulya/samples/{detail['samples'][0]['name']}")
    with wave.open(BytesIO(heard.content)) as sample:
        assert sample.getnframes() == 8 * 24_000
    stored = (await studio.client.get(f"/voices/consents/{consent}")).json()
    assert (stored["person"], stored["wording"], stored["recorded_by"]) == ("Гуля", wording, "admin")
    assert (await studio.client.get(f"/voices/consents/{consent}/recording")).content[:4] == b"RIFF"
    named = await studio.client.patch("/voices/gulya", json={"name": "Гульнара"}, headers={"if-match": '"0"'})
    assert named.json()["name"] == "Гульнара"
    assert (await studio.client.delete("/voices/cloned/gulya")).status_code == 204
    assert not list(studio.folder.iterdir())
    assert (await studio.client.get("/voices/cloned/gulya")).status_code == 404
    assert studio.office.publisher.current.voice_settings("gulya") is None


async def test_revocation_and_another_consent(studio: Studio) -> None:
    consent = await studio.consent()
    await studio.voice(consent, id="gulya")
    revoked = (await studio.client.post(f"/voices/consents/{consent}/revoke")).json()
    assert (revoked["revoked_by"], revoked["version"]) == ("admin", 2)
    with pytest.raises(VoiceConsentMissing, match="was revoked on"):
        await studio.spoken("gulya")
    assert (await studio.client.get("/voices/gulya")).json()["available"] is False
    chosen = await studio.client.post("/voice", json={"voice": "gulya"})
    assert (chosen.status_code, chosen.json()["error"]["code"]) == (403, "voice_consent_missing")
    assert (await studio.voice(consent, "Другая")).status_code == 409
    again = await studio.client.put("/voices/cloned/gulya/consent", json={"consent_id": await studio.consent()})
    assert again.json()["consented"]
    assert await studio.spoken("gulya")


async def test_folder_that_was_put_there_by_hand_needs_a_consent(studio: Studio) -> None:
    (studio.folder / "by-hand").mkdir(parents=True)
    (studio.folder / "by-hand" / "one.wav").write_bytes(SAMPLE)
    with pytest.raises(VoiceConsentMissing, match="PUT /admin/voices/cloned/by-hand/consent"):
        await studio.spoken("by-hand")
    choice = {"consent_id": await studio.consent()}
    assert (await studio.client.put("/voices/cloned/by-hand/consent", json=choice)).json()["seconds"] == 8.0
    assert await studio.spoken("by-hand")
    assert (await studio.client.put("/voices/cloned/../consent", json=choice)).status_code in (404, 405)
    assert (await studio.client.put("/voices/cloned/nobody/consent", json=choice)).status_code == 404


async def test_samples_are_added_and_removed(studio: Studio) -> None:
    await studio.voice(await studio.consent(), id="gulya")
    path = "/voices/cloned/gulya/samples"
    added = await studio.client.post(path, files={"file": wav(speech(7))})
    assert (added.status_code, added.json()["seconds"]) == (201, 15.0)
    refused = await studio.client.post(path, files={"file": wav(speech(50))})
    assert "has 50.0 seconds; it needs 1 to 45" in refused.json()["error"]["message"]
    assert (await studio.client.delete(f"{path}/sample-1.wav")).json()["seconds"] == 7.0
    assert (await studio.client.delete(f"{path}/sample-2.wav")).status_code == 409
    assert (await studio.client.get(f"{path}/voice.json")).status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"id": "Гуля"}, 400, "id has small letters"),
        ({"id": "../x"}, 400, "id has small letters"),
        ({"id": "nova"}, 409, "is taken"),
        ({"id": "tone-ru"}, 409, "is taken"),
        ({"languages": "russian"}, 400, "languages are tags"),
        ({"name": " "}, 400, "Missing required parameter: name"),
        ({"name": "x" * 101}, 400, "at most 100"),
        ({"consent_id": "cons_unknown"}, 404, "no such voice consent"),
    ],
)
async def test_voice_with_wrong_fields_is_refused(studio: Studio, form: dict[str, str], status: int, said: str) -> None:
    data = {"name": "Гуля", "consent_id": "" if "consent_id" in form else await studio.consent(), **form}
    reply = await studio.client.post("/voices/cloned", data=data, files={"file": SAMPLE})
    assert (reply.status_code, said in reply.json()["error"]["message"]) == (status, True), reply.text
    assert not studio.folder.exists() or not list(studio.folder.iterdir())


async def test_sample_of_another_person_is_refused(studio: Studio) -> None:
    consent = await studio.consent()
    data = {"name": "Гуля", "consent_id": consent}
    reply = await studio.client.post("/voices/cloned", data=data, files={"file": wav(speech(8, 220))})
    assert "not of the person who consented" in reply.json()["error"]["message"]


async def test_audit_names_what_was_done_and_nobody(studio: Studio) -> None:
    consent = await studio.consent("Гульнара Иванова")
    await studio.voice(consent, id="gulya")
    await studio.client.post(f"/voices/consents/{consent}/revoke")
    await studio.client.delete("/voices/cloned/gulya")
    async with studio.office.database.unit_of_work() as work:
        events = await work.audit.newest(10)
    done = {(event.resource, event.action) for event in events}
    assert done >= {
        ("voice_consent", "create"),
        ("voice_consent", "revoke"),
        ("cloned_voice", "create"),
        ("cloned_voice", "delete"),
    }
    assert "Гульнара" not in str(events)


async def test_erasure_of_a_person_deletes_voice_and_recording(studio: Studio, tmp_path: Path) -> None:
    from deployments.administration.privacy.service import DataSubject

    consent = await studio.consent("Гуля")
    other = await studio.consent("Иван")
    await studio.voice(consent, id="gulya")
    person = DataSubject("Гуля")
    assert [each.id for each in (await studio.office.privacy.export(person, ANNA)).voice_consents] == [consent]
    assert (await studio.office.privacy.erase(person, ANNA)).voice_consents == 1
    recordings = tmp_path / "data" / "recordings" / "voice-consents"
    assert [path.stem for path in recordings.iterdir()] == [other]
    assert not list(studio.folder.iterdir())
    assert studio.office.publisher.current.consented_voices() == frozenset()


async def test_pronunciations_are_stored_tried_and_spoken(studio: Studio) -> None:
    path = "/voices/tone-ru/pronunciations"
    entries = [{"word": "ГОСТ", "spoken": "гост"}, {"word": "SQL", "spoken": "эс кью эль", "match_case": True}]
    tried = await studio.client.post(
        f"{path}/preview", json={"text": "ГОСТ 5. SQL и sql.", "language": "ru", "pronunciations": entries}
    )
    assert tried.json()["spoken"] == ["гост пять.", "эс кью эль и sql."]
    assert (await studio.client.put(path, json={"pronunciations": entries})).status_code == 428
    stored = await studio.client.put(path, json={"pronunciations": entries}, headers={"if-match": '"0"'})
    assert (stored.status_code, stored.headers["etag"]) == (200, '"1"')
    assert (await studio.client.put(path, json={"pronunciations": []}, headers={"if-match": '"0"'})).status_code == 409
    renamed = await studio.client.patch("/voices/tone-ru", json={"name": "Тон"}, headers={"if-match": '"1"'})
    assert (renamed.json()["pronunciations"], renamed.json()["version"]) == (2, 2)
    heard = (await studio.client.post(f"{path}/preview", json={"text": "ГОСТ", "language": "ru"})).json()
    assert heard == {"language": "ru", "spoken": ["гост"]}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{"word": "+", "spoken": "плюс"}], "entry 1: word has no letter"),
        ([{"word": "а", "spoken": "<break/>б"}], "entry 1: spoken contains a sign of markup"),
        ([{"word": "а", "spoken": "б\u202e"}], "entry 1: spoken contains a character that nobody sees"),
        ([{"word": "а " * 17, "spoken": "б"}], "entry 1: word has 17 words"),
        ([{"word": "ГОСТ", "spoken": "а"}, {"word": "гост", "spoken": "б"}], "entry 2 has the word of entry 1"),
        ([{"word": "а" * 101, "spoken": "б"}], "100"),
        ([{"word": f"слово{n}", "spoken": "б"} for n in range(1_001)], "1000"),
    ],
)
async def test_entry_that_cannot_work_is_refused(studio: Studio, entries: list[dict[str, str]], said: str) -> None:
    body = {"pronunciations": entries, "version": 0}
    reply = await studio.client.put("/voices/tone-ru/pronunciations", json=body)
    assert (reply.status_code, said in reply.text) == (400, True), reply.text


@pytest.mark.parametrize(("role", "read", "change"), [("viewer", 403, 403), ("operator", 200, 403)])
async def test_roles(studio: Studio, role: str, read: int, change: int) -> None:
    async with admin_client(studio.office, lambda o: speech_routers(o, studio.assistant), role) as client:
        for path in ("/voices/cloned", "/voices/consents"):
            assert (await client.get(path)).status_code == read
            assert (await client.post(path, data={"name": "x"}, files={"file": b"x"})).status_code == change
