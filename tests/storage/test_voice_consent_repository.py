"""Consents to cloned voices in the database."""

from deployments.contracts.voice_library import StoredClonedVoice, StoredVoiceConsent
from storage.database import Database
from tests.storage.database_urls import ON_BOTH_DATABASES

GULYA = StoredVoiceConsent("cons_1", "Гуля", "ru", "Я согласна.", "admin", recording="recordings/voices/cons_1.wav")
KEY = StoredVoiceConsent("cons_2", "Иван", "ru", "Я согласен.", "key 3", owner="key 3")


@ON_BOTH_DATABASES
async def test_voice_consent_is_given_revoked_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for consent in (GULYA, KEY):
            await work.voice_consents.add(consent)
        for voice in ("gulya", "gulya-2"):
            await work.voice_consents.save_voice(StoredClonedVoice(voice, "cons_1", "Гуля", ("ru",), 20.0, 960_000))
    async with database.unit_of_work() as work:
        assert await work.voice_consents.size_bytes() == 1_920_000
        first, second = await work.voice_consents.for_doors()
        assert (first.voices, first.revoked_at, second.voices) == (("gulya", "gulya-2"), None, ())
        assert [each.id for each in await work.voice_consents.all("key 3")] == ["cons_2"]
        assert await work.voice_consents.get("cons_1", owner="key 3") is None
        assert await work.voice_consents.voice("gulya", owner="key 3") is None
        revoked = await work.voice_consents.revoke("cons_1", "admin")
        again = await work.voice_consents.revoke("cons_1", "other")
        assert (revoked.revoked_by, revoked.version) == (again.revoked_by, again.version) == ("admin", 2)
    async with database.unit_of_work() as work:
        assert (await work.voice_consents.for_doors())[0].revoked_at == revoked.revoked_at
        await work.voice_consents.remove("cons_1")
        assert await work.voice_consents.voices() == ()
        assert await work.recordings.files_to_delete(5) == ("recordings/voices/cons_1.wav",)
