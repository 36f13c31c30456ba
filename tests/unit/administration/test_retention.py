"""Retention of messages, recordings, exchanges, audit events and copies of the installation."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.administration.backup.installation_copies import InstallationCopies
from deployments.administration.office.composition import OfficeServices
from deployments.administration.privacy.file_remover import FileRemover
from deployments.administration.privacy.retention import Retention
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Role
from deployments.contracts.settings import PrivacySettings
from storage.models import SettingRow
from tests.unit.administration.conftest import audited
from tests.unit.administration.personal_data import (
    ADMIN,
    NOW,
    SHOP,
    add_recording,
    report_conversation,
    stored_words,
    words_on_disk,
)

pytestmark = pytest.mark.both_databases(postgres="long")


def retention(office: OfficeServices, data: Path, settings: PrivacySettings, days: float, **options: Any) -> Retention:
    files, copies = FileRemover(office.database, data), InstallationCopies(data, data, data)
    return Retention(office.database, lambda: settings, files, copies, lambda: NOW + timedelta(days=days), **options)


FOREVER = PrivacySettings(messages_days=0, audio_days=0, audit_days=0, exchanges_days=0, backups_days=0)


async def test_copies_in_linked_folder_counted_once(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other-name").symlink_to(data)
    aside = data / "before-restore-1"
    aside.mkdir(parents=True)
    assert (
        await InstallationCopies(data, tmp_path / "other-name", data).remove_before(
            datetime.now(UTC) + timedelta(days=1)
        )
        == 1
    )
    assert not aside.exists()


async def test_retention_zero_days_keeps_everything(office: OfficeServices, data: Path) -> None:
    session_id = await report_conversation(office, SHOP, "42", "личное")
    counts = await retention(office, data, FOREVER, 10_000).run()
    assert set(counts.values()) == {0}
    assert (await office.chat_sessions.get(ADMIN, session_id)).message_count == 2


async def test_retention_invalid_limit_deletes_nothing(office: OfficeServices, data: Path) -> None:
    file = await add_recording(office, data, "a", person="42")
    waiting = await add_recording(office, data, "b", person="43")
    async with office.database.unit_of_work() as work:
        await work.recordings.remove(["b"])
        for name, value in (("privacy", {"audio_days": 50_000, "new": 1}), ("new", 1)):
            work.settings._session.add(SettingRow(name=name, value=value, revision=1))
    assert await retention(office, data, PrivacySettings(), 10_000).run() == {}
    assert file.exists()
    assert not waiting.exists(), "its row was deleted before"
    await office.settings.update_fields({"audio_days": 30}, "root", "privacy", role=Role.ADMIN)
    assert (await retention(office, data, PrivacySettings(), 10_000).run())["recordings"] == 1


@pytest.mark.both_databases
async def test_retention_deletes_each_kind_by_age(office: OfficeServices, data: Path) -> None:
    session_id = await report_conversation(office, SHOP, "42", "личное")
    file = await add_recording(office, data, "a", person="42")
    settings = PrivacySettings(messages_days=100, audio_days=10, audit_days=200, exchanges_days=50)
    assert set((await retention(office, data, settings, 9).run()).values()) == {0}
    assert (await retention(office, data, settings, 11).run())["recordings"] == 1
    assert not file.exists()
    assert (await retention(office, data, settings, 51).run())["exchanges"] == 1
    assert (await office.chat_sessions.get(ADMIN, session_id)).message_count == 2
    assert (await retention(office, data, settings, 101).run())["conversations"] == 1
    assert "личное" not in await stored_words(office)
    assert words_on_disk(office, "личное") == set()
    assert ("(retention)", "expire", "privacy") in await audited(office)
    assert (await retention(office, data, settings, 201).run())["audit"] > 0


async def test_retention_trims_active_conversation(office: OfficeServices, data: Path) -> None:
    session = await office.chat_sessions.create(ADMIN, TurnSource(SourceKind.ADMIN), "", Overrides())
    async with office.database.unit_of_work() as work:
        parent = None
        for number in range(12):
            at = NOW - timedelta(days=30 if number < 7 else 1)
            role = "assistant" if number % 2 else "user"
            parent = (await work.messages.add(session.id, role, f"m{number}", parent_id=parent, turn_id="t", at=at)).id
    settings = FOREVER.model_copy(update={"messages_days": 7})
    assert (await retention(office, data, settings, 0, batch_size=3).run())["messages"] == 7
    thread = await office.chat_sessions.thread(ADMIN, session.id)
    assert [message.content for message in thread.messages] == [f"m{number}" for number in range(7, 12)]
    assert thread.session.message_count == 5


async def test_retention_deletes_several_batches(office: OfficeServices, data: Path) -> None:
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
                for number in range(7)
            ]
        )
    settings = FOREVER.model_copy(update={"exchanges_days": 365})
    assert (await retention(office, data, settings, 0, batch_size=3).run())["exchanges"] == 7


@pytest.fixture
def copies(data: Path) -> list[Path]:
    """A backup of the office, and the data that a restore replaced."""
    archive = data / "backups" / "secretary-20260101-000000.tar.gz"
    archive.parent.mkdir()
    archive.write_text("личное")
    return [archive, folder_with_a_database(data / "before-restore-20260101T000000.0Z")]


def folder_with_a_database(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "secretary.db").write_text("личное")
    return folder


async def test_retention_removes_crash_leftovers(office: OfficeServices, data: Path, copies: list[Path]) -> None:
    restoring = folder_with_a_database(data / ".restore-x1")
    backing_up = folder_with_a_database(data / "backups" / ".backup-x1")
    await retention(office, data, FOREVER, 0.5).run()
    assert not restoring.exists()
    assert backing_up.exists(), "the console may be at it"
    await retention(office, data, FOREVER, 2).run()
    assert not backing_up.exists()
    assert all(copy.exists() for copy in copies)


async def test_retention_deletes_old_copies(office: OfficeServices, data: Path, copies: list[Path]) -> None:
    settings = FOREVER.model_copy(update={"backups_days": 30})
    assert (await retention(office, data, settings, 29).run())["backups"] == 0
    assert all(copy.exists() for copy in copies)
    assert (await retention(office, data, settings, 31).run())["backups"] == len(copies)
    assert not any(copy.exists() for copy in copies)
    assert (data / "storage.secret").exists()
    assert ("(retention)", "expire", "privacy") in await audited(office)


async def test_retention_keeps_foreign_files_and_links(
    office: OfficeServices, data: Path, copies: list[Path], tmp_path: Path
) -> None:
    mine = data / "backups" / "before-the-move.tar.gz"
    outside = tmp_path / "precious"
    outside.mkdir()
    mine.touch()
    (data / "before-restore-link").symlink_to(outside)
    await retention(office, data, FOREVER.model_copy(update={"backups_days": 1}), 10_000).run()
    assert mine.exists()
    assert outside.exists()


async def test_retention_task_starts_and_stops(office: OfficeServices, data: Path) -> None:
    await add_recording(office, data, "a", person="42")
    settings = FOREVER.model_copy(update={"audio_days": 1})
    worker = retention(office, data, settings, 5, initial_delay_s=0.0, interval_s=0.01)
    worker.start()
    async with asyncio.timeout(5):
        while (data / "recordings" / "a.wav").exists():
            await asyncio.sleep(0.01)
    await worker.stop()
    await worker.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "retention" and task is worker._task]
