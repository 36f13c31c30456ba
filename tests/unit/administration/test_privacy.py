"""Personal data: export, erasure, file removal and consents."""

from pathlib import Path

import pytest

from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.office.composition import OfficeServices
from deployments.administration.privacy.file_remover import FileRemover
from deployments.administration.privacy.service import DataSubject, ErasureCounts, PersonalData, Privacy, StoredConsent
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.reports import DoorReport
from deployments.contracts.sessions import ApiSessionKind, api_session_id
from storage.repositories.recordings import StoredRecording
from tests.unit.administration.conftest import audited, exchange
from tests.unit.administration.personal_data import (
    ADMIN,
    SHOP,
    add_recording,
    report_conversation,
    stored_words,
    words_on_disk,
)

pytestmark = pytest.mark.both_databases(postgres="long")


@pytest.mark.both_databases
async def test_export_and_erase_cover_everything(office: OfficeServices, data: Path) -> None:
    ids = [
        await report_conversation(office, SHOP, "42", "личное"),
        await report_conversation(office, SHOP, "-100:42", "групповое"),
        await report_conversation(office, TurnSource(SourceKind.WIDGET, "site"), "42", "виджет"),
        await report_conversation(office, TurnSource(SourceKind.PHONE), "42", "телефон"),
    ]
    stranger = await report_conversation(office, SHOP, "142", "чужое")
    mine = [
        await add_recording(office, data, "a", session_id=ids[0]),
        await add_recording(office, data, "b", person="42"),
    ]
    other = await add_recording(office, data, "c", person="142")
    consent = StoredConsent("phone", "42", "recording", wording="Запись разговора")
    await office.privacy.give_consent(consent, ADMIN)

    assert words_on_disk(office, "личное") or office.database.path is None

    dossier = await office.privacy.export(DataSubject("42"), ADMIN)
    assert {session.id for session, _ in dossier.conversations} == set(ids)
    assert sorted(m.content for _, messages in dossier.conversations for m in messages if m.role == "user") == sorted(
        ("личное", "групповое", "виджет", "телефон")
    )
    assert len(dossier.exchanges) == 4
    assert {recording.id for recording in dossier.recordings} == {"a", "b"}
    assert [one.wording for one in dossier.consents] == ["Запись разговора"]

    narrow = await office.privacy.export(DataSubject("42", "widget", "site"), ADMIN)
    assert [session.id for session, _ in narrow.conversations] == [ids[2]]

    assert await office.privacy.erase(DataSubject("42"), ADMIN) == ErasureCounts(4, 4, 2, 1)
    left = await office.privacy.export(DataSubject("42"), ADMIN)
    assert (left.conversations, left.exchanges, left.recordings, left.consents) == ((), (), (), ())
    assert not any(file.exists() for file in mine)
    assert other.exists()
    remaining = await stored_words(office)
    assert "чужое" in remaining
    assert not any(word in remaining for word in ("личное", "групповое", "виджет", "телефон"))
    assert words_on_disk(office, "личное", "групповое", "виджет") == set()
    assert (await office.chat_sessions.get(ADMIN, stranger)).message_count == 2
    assert await office.privacy.erase(DataSubject("42"), ADMIN) == ErasureCounts(0, 0, 0, 0)

    async with office.database.unit_of_work() as work:
        events = " ".join(str(event) for event in await work.audit.newest(100))
    assert ("root", "erase", "privacy") in await audited(office)
    assert "личное" not in events
    assert "Запись" not in events


async def asked(
    office: OfficeServices, key_id: int, name: str, question: str, kind: ApiSessionKind = "session"
) -> None:
    """Reports one exchange of a caller of ``/v1`` in the session ``name``."""
    session_id = api_session_id(key_id, kind, name.encode())
    one = exchange(session_id=session_id, source_kind="api", source_id="", question=question)
    await office.report_ingest.accept(DoorReport(door=one.turn_id, sequence=1, revision=1, exchanges=(one,)))


def questions(dossier: PersonalData) -> list[str]:
    return sorted(one.question for one in dossier.exchanges)


async def test_export_finds_api_sessions(office: OfficeServices) -> None:
    key, _ = await office.keys.create("shop", by="root")
    await asked(office, 1, "chat-7", "первый ключ")
    await asked(office, key.id, "chat-7", "второй ключ")
    await asked(office, key.id, "chat-7", "в браузере", "webui")
    await asked(office, key.id, "chat-70", "другой разговор")
    of_key = DataSubject("chat-7", "api", str(key.id))
    assert questions(await office.privacy.export(of_key, ADMIN)) == ["в браузере", "второй ключ"]
    every = DataSubject("chat-7", "api")
    assert questions(await office.privacy.export(every, ADMIN)) == ["в браузере", "второй ключ", "первый ключ"]
    assert len((await office.privacy.export(DataSubject("chat-7"), ADMIN)).exchanges) == 3
    assert questions(await office.privacy.export(DataSubject("chat-7", "telegram"), ADMIN)) == []

    await office.keys.revoke(key.id, "root")
    assert (await office.privacy.erase(of_key, ADMIN)).exchanges == 2
    assert (await office.privacy.export(of_key, ADMIN)).exchanges == ()
    assert questions(await office.privacy.export(every, ADMIN)) == ["первый ключ"]
    remaining = await stored_words(office)
    assert "другой разговор" in remaining
    assert "второй" not in remaining
    async with office.database.unit_of_work() as work:
        assert len(await work.exchanges.newest()) == 4, "the numbers stay"


async def test_export_rejects_invalid_key_id(office: OfficeServices) -> None:
    for source_id in ("shop", "-1", "1 ", "²"):
        with pytest.raises(InvalidRequest):
            await office.privacy.export(DataSubject("chat-7", "api", source_id), ADMIN)
        with pytest.raises(InvalidRequest):
            await office.privacy.erase(DataSubject("chat-7", "api", source_id), ADMIN)


async def test_delete_conversation_removes_recordings(office: OfficeServices, data: Path) -> None:
    session_id = await report_conversation(office, SHOP, "42", "личное")
    file = await add_recording(office, data, "a", session_id=session_id)
    assert await office.chat_sessions.remove(ADMIN, (session_id,)) == 1
    assert not file.exists()
    assert "личное" not in await stored_words(office)
    assert words_on_disk(office, "личное") == set()
    assert ("root", "delete", "chat") in await audited(office)


async def test_delete_message_scrubs_database_file(office: OfficeServices) -> None:
    session_id = await report_conversation(office, SHOP, "42", "привет")
    await report_conversation(office, SHOP, "42", "личное")
    async with office.database.unit_of_work() as work:
        messages = await work.messages.all_of_session(session_id)
    (message,) = (each for each in messages if each.content == "личное")
    assert await office.chat_sessions.remove_message(ADMIN, session_id, message.id) == 2
    assert words_on_disk(office, "личное") == set()
    assert "привет" in await stored_words(office)


async def test_crash_before_file_removal_is_recovered(office: OfficeServices, data: Path) -> None:
    session_id = await report_conversation(office, SHOP, "42", "личное")
    file = await add_recording(office, data, "a", session_id=session_id)
    async with office.database.unit_of_work() as work:  # the process ends right after this
        await delete_sessions(work, (session_id,))
    assert file.exists()
    assert await FileRemover(office.database, data).delete_listed_files() == 1
    assert not file.exists()
    assert await FileRemover(office.database, data).delete_listed_files() == 0


async def test_undeletable_file_stays_listed(office: OfficeServices, data: Path) -> None:
    file = await add_recording(office, data, "a", person="42")
    file.unlink()
    file.mkdir()  # unlink refuses a folder
    await office.privacy.erase(DataSubject("42"), ADMIN)
    remover = FileRemover(office.database, data)
    assert await remover.delete_listed_files() == 0
    file.rmdir()
    assert await remover.delete_listed_files() == 1


async def add_many_recordings(office: OfficeServices, data: Path, count: int) -> list[Path]:
    """Adds recordings of person 42 and returns their files in the order of deletion."""
    files = [data / "recordings" / f"{number:04}.wav" for number in range(count)]
    files[0].parent.mkdir(exist_ok=True)
    async with office.database.unit_of_work() as work:
        for file in files:
            file.write_bytes(b"RIFF")
            given = StoredRecording(file.stem, "phone", f"recordings/{file.name}", "audio/wav", 1.0, 4, person="42")
            await work.recordings.add(given)
    return files


def privacy_with_batches_of_three(office: OfficeServices, data: Path) -> Privacy:
    return Privacy(
        office.database,
        office.running_turns,
        FileRemover(office.database, data, batch_size=3),
        office.cloned_voices,
    )


async def test_erase_deletes_files_in_batches(office: OfficeServices, data: Path) -> None:
    files = await add_many_recordings(office, data, 7)
    privacy = privacy_with_batches_of_three(office, data)
    assert (await privacy.erase(DataSubject("42"), ADMIN)).recordings == 7
    assert not any(file.exists() for file in files)
    assert await FileRemover(office.database, data).delete_listed_files() == 0


async def test_undeletable_files_do_not_block_others(office: OfficeServices, data: Path) -> None:
    files = await add_many_recordings(office, data, 7)
    stuck, others = files[:4], files[4:]
    for file in stuck:
        file.unlink()
        file.mkdir()  # unlink refuses a folder
    await privacy_with_batches_of_three(office, data).erase(DataSubject("42"), ADMIN)
    assert not any(file.exists() for file in others)
    for file in stuck:
        file.rmdir()
    assert await FileRemover(office.database, data).delete_listed_files() == 4


async def test_files_outside_data_folder_stay(office: OfficeServices, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious.txt"
    outside.write_text("x")
    async with office.database.unit_of_work() as work:
        for name, path in (("a", "../precious.txt"), ("b", str(outside))):
            await work.recordings.add(StoredRecording(name, "phone", path, "audio/wav", 1.0, 1, person="42"))
    await office.privacy.erase(DataSubject("42"), ADMIN)
    assert outside.exists()


async def test_erase_rolled_back_deletes_nothing(office: OfficeServices, data: Path) -> None:
    session_id = await report_conversation(office, SHOP, "42", "личное")
    file = await add_recording(office, data, "a", session_id=session_id)

    async def break_off() -> None:
        async with office.database.unit_of_work() as work:
            await delete_sessions(work, (session_id,))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    await FileRemover(office.database, data).delete_listed_files()
    assert file.exists()
    assert (await office.chat_sessions.get(ADMIN, session_id)).message_count == 2


async def test_consents_are_given_withdrawn_listed(office: OfficeServices) -> None:
    given = await office.privacy.give_consent(StoredConsent("phone", "42", "recording"), ADMIN)
    assert given.withdrawn_at is None
    withdrawn = await office.privacy.withdraw_consent(given.id, ADMIN)
    assert withdrawn.withdrawn_at is not None
    assert (await office.privacy.withdraw_consent(given.id, ADMIN)).withdrawn_at == withdrawn.withdrawn_at
    assert [one.id for one in await office.privacy.consents("42", 10, 0)] == [given.id]
    assert await office.privacy.consents("43", 10, 0) == ()
    with pytest.raises(NotFound):
        await office.privacy.withdraw_consent(999, ADMIN)
