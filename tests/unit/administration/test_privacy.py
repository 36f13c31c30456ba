"""Personal data: handed out whole, deleted whole, forgotten in time."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.administration.chats import forget
from deployments.administration.copies import Copies
from deployments.administration.files import FileRemover
from deployments.administration.office import Office
from deployments.administration.privacy import Dossier, Erased, Person, StoredConsent
from deployments.administration.retention import Retention
from deployments.contracts.chat import Overrides, Source, SourceKind
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport
from deployments.contracts.sessions import ApiSessionKind, api_session_id
from deployments.contracts.settings import Exchange, PrivacySettings
from storage.environment import Environment
from storage.models import SettingRow
from storage.repositories.recordings import StoredRecording
from storage.repositories.sessions import SessionFilter
from tests.unit.administration.conftest import audited, exchange

pytestmark = pytest.mark.both_databases

ADMIN = Identity("root", Role.ADMIN)
SHOP = Source(SourceKind.TELEGRAM, "shop")
NOW = datetime.now(UTC)


@pytest.fixture
def data(environment: Environment) -> Path:
    return environment.data


async def told(office: Office, source: Source, person: str, question: str) -> str:
    """A conversation with one exchange, reported as a door does."""
    opened = await office.conversations.open(source, person, "Имя")
    one = exchange(
        session_id=opened.session_id, source_kind=source.kind.value, source_id=source.instance_id, question=question
    )
    await office.reports.accept(DoorReport(door=one.turn_id, sequence=1, revision=1, exchanges=(one,)))
    return opened.session_id


async def recorded(office: Office, data: Path, name: str, **fields: object) -> Path:
    file = data / "recordings" / f"{name}.wav"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"RIFF")
    given = {"source": "phone", "media_type": "audio/wav", "seconds": 1.0, "size_bytes": 4} | fields
    async with office.database.unit_of_work() as work:
        await work.recordings.add(StoredRecording(id=name, path=f"recordings/{name}.wav", **given))  # type: ignore[arg-type]
    return file


async def words(office: Office) -> str:
    """Every word that is left of any conversation."""
    async with office.database.unit_of_work() as work:
        exchanges = await work.exchanges.newest(1_000)
        sessions, _ = await work.sessions.page(SessionFilter(), 500, 0)
        messages = [m for s in sessions for m in await work.messages.every(s.id)]
    return " ".join([*(e.question + e.answer for e in exchanges), *(m.content for m in messages)])


def on_disk(office: Office, *said: str) -> set[str]:
    """Which of these words the files of the database hold; none when it is on a server."""
    path = office.database.path
    files = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")] if path is not None else []
    return {word for word in said if any(word.encode() in content for content in files)}


async def test_everything_of_a_person_leaves_and_goes(office: Office, data: Path) -> None:
    ids = [
        await told(office, SHOP, "42", "личное"),
        await told(office, SHOP, "-100:42", "групповое"),
        await told(office, Source(SourceKind.WIDGET, "site"), "42", "виджет"),
        await told(office, Source(SourceKind.PHONE), "42", "телефон"),
    ]
    stranger = await told(office, SHOP, "142", "чужое")
    mine = [
        await recorded(office, data, "a", session_id=ids[0]),
        await recorded(office, data, "b", person="42"),
    ]
    other = await recorded(office, data, "c", person="142")
    consent = StoredConsent("phone", "42", "recording", wording="Запись разговора")
    await office.privacy.give_consent(consent, ADMIN)

    assert on_disk(office, "личное") or office.database.path is None

    dossier = await office.privacy.export(Person("42"), ADMIN)
    assert {session.id for session, _ in dossier.conversations} == set(ids)
    assert sorted(m.content for _, messages in dossier.conversations for m in messages if m.role == "user") == sorted(
        ("личное", "групповое", "виджет", "телефон")
    )
    assert len(dossier.exchanges) == 4
    assert {recording.id for recording in dossier.recordings} == {"a", "b"}
    assert [one.wording for one in dossier.consents] == ["Запись разговора"]

    narrow = await office.privacy.export(Person("42", "widget", "site"), ADMIN)
    assert [session.id for session, _ in narrow.conversations] == [ids[2]]

    assert await office.privacy.erase(Person("42"), ADMIN) == Erased(4, 4, 2, 1)
    left = await office.privacy.export(Person("42"), ADMIN)
    assert (left.conversations, left.exchanges, left.recordings, left.consents) == ((), (), (), ())
    assert not any(file.exists() for file in mine)
    assert other.exists()
    remaining = await words(office)
    assert "чужое" in remaining
    assert not any(word in remaining for word in ("личное", "групповое", "виджет", "телефон"))
    assert on_disk(office, "личное", "групповое", "виджет") == set()
    assert (await office.chats.get(ADMIN, stranger)).message_count == 2
    assert await office.privacy.erase(Person("42"), ADMIN) == Erased(0, 0, 0, 0)

    async with office.database.unit_of_work() as work:
        trail = " ".join(str(event) for event in await work.audit.newest(100))
    assert ("root", "erase", "privacy") in await audited(office)
    assert "личное" not in trail
    assert "Запись" not in trail


async def asked(office: Office, key_id: int, name: str, question: str, kind: ApiSessionKind = "session") -> None:
    """One exchange of a caller of ``/v1`` who calls the conversation ``name``, reported as a door does."""
    session_id = api_session_id(key_id, kind, name.encode())
    one = exchange(session_id=session_id, source_kind="api", source_id="", question=question)
    await office.reports.accept(DoorReport(door=one.turn_id, sequence=1, revision=1, exchanges=(one,)))


def questions(dossier: Dossier) -> list[str]:
    return sorted(one.question for one in dossier.exchanges)


async def test_what_a_caller_of_the_api_said_is_found_by_key_and_session(office: Office) -> None:
    key, _ = await office.keys.create("shop", by="root")
    await asked(office, 1, "chat-7", "первый ключ")
    await asked(office, key.id, "chat-7", "второй ключ")
    await asked(office, key.id, "chat-7", "в браузере", "webui")
    await asked(office, key.id, "chat-70", "другой разговор")
    of_key = Person("chat-7", "api", str(key.id))
    assert questions(await office.privacy.export(of_key, ADMIN)) == ["в браузере", "второй ключ"]
    every = Person("chat-7", "api")
    assert questions(await office.privacy.export(every, ADMIN)) == ["в браузере", "второй ключ", "первый ключ"]
    assert len((await office.privacy.export(Person("chat-7"), ADMIN)).exchanges) == 3
    assert questions(await office.privacy.export(Person("chat-7", "telegram"), ADMIN)) == []

    await office.keys.revoke(key.id, "root")
    assert (await office.privacy.erase(of_key, ADMIN)).exchanges == 2
    assert (await office.privacy.export(of_key, ADMIN)).exchanges == ()
    assert questions(await office.privacy.export(every, ADMIN)) == ["первый ключ"]
    remaining = await words(office)
    assert "другой разговор" in remaining
    assert "второй" not in remaining
    async with office.database.unit_of_work() as work:
        assert len(await work.exchanges.newest()) == 4, "the numbers stay"


async def test_a_key_is_named_by_its_number(office: Office) -> None:
    for source_id in ("shop", "-1", "1 ", "²"):
        with pytest.raises(InvalidRequest):
            await office.privacy.export(Person("chat-7", "api", source_id), ADMIN)
        with pytest.raises(InvalidRequest):
            await office.privacy.erase(Person("chat-7", "api", source_id), ADMIN)


async def test_a_deleted_conversation_takes_its_sound_along(office: Office, data: Path) -> None:
    session_id = await told(office, SHOP, "42", "личное")
    file = await recorded(office, data, "a", session_id=session_id)
    assert await office.chats.remove(ADMIN, (session_id,)) == 1
    assert not file.exists()
    assert "личное" not in await words(office)
    assert on_disk(office, "личное") == set()
    assert ("root", "delete", "chat") in await audited(office)


async def test_a_deleted_message_is_gone_from_the_disk(office: Office) -> None:
    session_id = await told(office, SHOP, "42", "привет")
    await told(office, SHOP, "42", "личное")
    async with office.database.unit_of_work() as work:
        messages = await work.messages.every(session_id)
    (message,) = (each for each in messages if each.content == "личное")
    assert await office.chats.remove_message(ADMIN, session_id, message.id) == 2
    assert on_disk(office, "личное") == set()
    assert "привет" in await words(office)


async def test_a_crash_between_rows_and_files_leaves_no_file_behind(office: Office, data: Path) -> None:
    session_id = await told(office, SHOP, "42", "личное")
    file = await recorded(office, data, "a", session_id=session_id)
    async with office.database.unit_of_work() as work:  # the process ends right after this
        await forget(work, (session_id,))
    assert file.exists()
    assert await FileRemover(office.database, data).sweep() == 1
    assert not file.exists()
    assert await FileRemover(office.database, data).sweep() == 0


async def test_a_file_that_cannot_be_deleted_stays_listed(office: Office, data: Path) -> None:
    file = await recorded(office, data, "a", person="42")
    file.unlink()
    file.mkdir()  # unlink refuses a folder
    await office.privacy.erase(Person("42"), ADMIN)
    remover = FileRemover(office.database, data)
    assert await remover.sweep() == 0
    file.rmdir()
    assert await remover.sweep() == 1


async def many_recordings(office: Office, data: Path, count: int) -> list[Path]:
    """Recordings of the person 42, in the order in which their files are deleted."""
    files = [data / "recordings" / f"{number:04}.wav" for number in range(count)]
    files[0].parent.mkdir(exist_ok=True)
    async with office.database.unit_of_work() as work:
        for file in files:
            file.write_bytes(b"RIFF")
            given = StoredRecording(file.stem, "phone", f"recordings/{file.name}", "audio/wav", 1.0, 4, person="42")
            await work.recordings.add(given)
    return files


async def test_an_erasure_deletes_every_file_however_many_there_are(office: Office, data: Path) -> None:
    files = await many_recordings(office, data, 701)
    assert (await office.privacy.erase(Person("42"), ADMIN)).recordings == 701
    assert not any(file.exists() for file in files)
    assert await FileRemover(office.database, data).sweep() == 0


async def test_files_that_cannot_be_deleted_block_no_later_ones(office: Office, data: Path) -> None:
    files = await many_recordings(office, data, 601)
    stuck, others = files[:501], files[501:]
    for file in stuck:
        file.unlink()
        file.mkdir()  # unlink refuses a folder
    await office.privacy.erase(Person("42"), ADMIN)
    assert not any(file.exists() for file in others)
    for file in stuck:
        file.rmdir()
    assert await FileRemover(office.database, data).sweep() == 501


async def test_nothing_outside_of_the_data_folder_is_deleted(office: Office, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious.txt"
    outside.write_text("x")
    async with office.database.unit_of_work() as work:
        for name, path in (("a", "../precious.txt"), ("b", str(outside))):
            await work.recordings.add(StoredRecording(name, "phone", path, "audio/wav", 1.0, 1, person="42"))
    await office.privacy.erase(Person("42"), ADMIN)
    assert outside.exists()


async def test_a_rolled_back_erasure_deletes_nothing(office: Office, data: Path) -> None:
    session_id = await told(office, SHOP, "42", "личное")
    file = await recorded(office, data, "a", session_id=session_id)

    async def break_off() -> None:
        async with office.database.unit_of_work() as work:
            await forget(work, (session_id,))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    await FileRemover(office.database, data).sweep()
    assert file.exists()
    assert (await office.chats.get(ADMIN, session_id)).message_count == 2


async def test_consents_are_given_withdrawn_and_listed(office: Office) -> None:
    given = await office.privacy.give_consent(StoredConsent("phone", "42", "recording"), ADMIN)
    assert given.withdrawn_at is None
    withdrawn = await office.privacy.withdraw_consent(given.id, ADMIN)
    assert withdrawn.withdrawn_at is not None
    assert (await office.privacy.withdraw_consent(given.id, ADMIN)).withdrawn_at == withdrawn.withdrawn_at
    assert [one.id for one in await office.privacy.consents("42", 10, 0)] == [given.id]
    assert await office.privacy.consents("43", 10, 0) == ()
    with pytest.raises(NotFound):
        await office.privacy.withdraw_consent(999, ADMIN)


def retention(office: Office, data: Path, settings: PrivacySettings, days: float, **times: float) -> Retention:
    files, copies = FileRemover(office.database, data), Copies(data, data)
    return Retention(office.database, lambda: settings, files, copies, lambda: NOW + timedelta(days=days), **times)


FOREVER = PrivacySettings(messages_days=0, audio_days=0, audit_days=0, exchanges_days=0, backups_days=0)


async def test_one_folder_under_two_names_is_looked_through_once(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other-name").symlink_to(data)
    aside = data / "before-restore-1"
    aside.mkdir(parents=True)
    assert await Copies(data, tmp_path / "other-name").remove_before(datetime.now(UTC) + timedelta(days=1)) == 1
    assert not aside.exists()


async def test_what_is_kept_for_ever_is_kept(office: Office, data: Path) -> None:
    session_id = await told(office, SHOP, "42", "личное")
    counts = await retention(office, data, FOREVER, 10_000).run()
    assert set(counts.values()) == {0}
    assert (await office.chats.get(ADMIN, session_id)).message_count == 2


async def test_nothing_is_forgotten_while_a_stored_limit_cannot_be_taken(office: Office, data: Path) -> None:
    file = await recorded(office, data, "a", person="42")
    waiting = await recorded(office, data, "b", person="43")
    async with office.database.unit_of_work() as work:
        await work.recordings.remove(["b"])
        for name, value in (("privacy", {"audio_days": 50_000, "new": 1}), ("new", 1)):
            work.settings._session.add(SettingRow(name=name, value=value, revision=1))
    assert await retention(office, data, PrivacySettings(), 10_000).run() == {}
    assert file.exists()
    assert not waiting.exists(), "its row was deleted before"
    await office.settings.adjust({"audio_days": 30}, "root", "privacy", role=Role.ADMIN)
    assert (await retention(office, data, PrivacySettings(), 10_000).run())["recordings"] == 1


async def test_each_kind_is_forgotten_in_its_time(office: Office, data: Path) -> None:
    session_id = await told(office, SHOP, "42", "личное")
    file = await recorded(office, data, "a", person="42")
    settings = PrivacySettings(messages_days=100, audio_days=10, audit_days=200, exchanges_days=50)
    assert set((await retention(office, data, settings, 9).run()).values()) == {0}
    assert (await retention(office, data, settings, 11).run())["recordings"] == 1
    assert not file.exists()
    assert (await retention(office, data, settings, 51).run())["exchanges"] == 1
    assert (await office.chats.get(ADMIN, session_id)).message_count == 2
    assert (await retention(office, data, settings, 101).run())["conversations"] == 1
    assert "личное" not in await words(office)
    assert on_disk(office, "личное") == set()
    assert ("(retention)", "expire", "privacy") in await audited(office)
    assert (await retention(office, data, settings, 201).run())["audit"] > 0


async def test_old_messages_leave_a_conversation_that_goes_on(office: Office, data: Path) -> None:
    session = await office.chats.create(ADMIN, Source(SourceKind.ADMIN), "", Overrides())
    async with office.database.unit_of_work() as work:
        parent = None
        for number in range(450):
            at = NOW - timedelta(days=30 if number < 440 else 1)
            role = "assistant" if number % 2 else "user"
            parent = (await work.messages.add(session.id, role, f"m{number}", parent_id=parent, turn_id="t", at=at)).id
    settings = FOREVER.model_copy(update={"messages_days": 7})
    assert (await retention(office, data, settings, 0).run())["messages"] == 440
    thread = await office.chats.thread(ADMIN, session.id)
    assert [message.content for message in thread.messages] == [f"m{number}" for number in range(440, 450)]
    assert thread.session.message_count == 10


async def test_more_than_one_batch_goes_in_one_run(office: Office, data: Path) -> None:
    async with office.database.unit_of_work() as work:
        await work.exchanges.add_new(
            [
                Exchange(
                    turn_id=f"old-{number}",
                    source_kind="api",
                    question="q",
                    answer="a",
                    route="local",
                    created_at=NOW - timedelta(days=400),
                )
                for number in range(450)
            ]
        )
    settings = FOREVER.model_copy(update={"exchanges_days": 365})
    assert (await retention(office, data, settings, 0).run())["exchanges"] == 450


@pytest.fixture
def copies(data: Path) -> list[Path]:
    """A backup of the office, and what a restore put aside."""
    archive = data / "backups" / "secretary-20260101-000000.tar.gz"
    archive.parent.mkdir()
    archive.write_text("личное")
    return [archive, folder_with_a_database(data / "before-restore-20260101T000000.0Z")]


def folder_with_a_database(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "secretary.db").write_text("личное")
    return folder


async def test_what_crashes_left_half_done_goes_whatever_the_settings_say(
    office: Office, data: Path, copies: list[Path]
) -> None:
    restoring = folder_with_a_database(data / ".restore-x1")
    backing_up = folder_with_a_database(data / "backups" / ".backup-x1")
    await retention(office, data, FOREVER, 0.5).run()
    assert not restoring.exists()
    assert backing_up.exists(), "the console may be at it"
    await retention(office, data, FOREVER, 2).run()
    assert not backing_up.exists()
    assert all(copy.exists() for copy in copies)


async def test_copies_of_the_installation_go_in_their_time(office: Office, data: Path, copies: list[Path]) -> None:
    settings = FOREVER.model_copy(update={"backups_days": 30})
    assert (await retention(office, data, settings, 29).run())["backups"] == 0
    assert all(copy.exists() for copy in copies)
    assert (await retention(office, data, settings, 31).run())["backups"] == len(copies)
    assert not any(copy.exists() for copy in copies)
    assert (data / "storage.secret").exists()
    assert ("(retention)", "expire", "privacy") in await audited(office)


async def test_copies_that_people_made_themselves_and_links_are_left_alone(
    office: Office, data: Path, copies: list[Path], tmp_path: Path
) -> None:
    mine = data / "backups" / "before-the-move.tar.gz"
    outside = tmp_path / "precious"
    outside.mkdir()
    mine.touch()
    (data / "before-restore-link").symlink_to(outside)
    await retention(office, data, FOREVER.model_copy(update={"backups_days": 1}), 10_000).run()
    assert mine.exists()
    assert outside.exists()


async def test_the_worker_starts_runs_and_ends(office: Office, data: Path) -> None:
    await recorded(office, data, "a", person="42")
    settings = FOREVER.model_copy(update={"audio_days": 1})
    worker = retention(office, data, settings, 5, first_s=0.0, every_s=0.01)
    worker.start()
    async with asyncio.timeout(5):
        while (data / "recordings" / "a.wav").exists():
            await asyncio.sleep(0.01)
    await worker.stop()
    await worker.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "retention" and task is worker._task]
