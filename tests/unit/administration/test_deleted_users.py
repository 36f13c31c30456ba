"""Data of deleted users: kept under a pseudonym and hidden from a new user of the same name."""

from dataclasses import replace

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.privacy.service import DataSubject, StoredConsent
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.identity import Identity, Role
from storage.repositories.recordings import StoredRecording
from storage.repositories.session_filter import SessionFilter
from storage.repositories.users import StoredUser

pytestmark = pytest.mark.both_databases(postgres="long")

ADMIN = Identity("admin", Role.ADMIN)
ANNA = Identity("anna", Role.VIEWER)
PANEL = TurnSource(SourceKind.ADMIN)


async def conversations_of_anna(office: OfficeServices) -> set[str]:
    """Opens three conversations: one in the panel, one with a title, and one started as an operator."""
    running = await office.conversations.open(PANEL, "anna", "Анна")
    kept = await office.chat_sessions.create(ANNA, PANEL, "Зарплата", Overrides())
    operator = replace(ANNA, role=Role.OPERATOR)
    elsewhere = await office.chat_sessions.create(operator, TurnSource(SourceKind.TELEGRAM, "shop"), "", Overrides())
    return {running.session_id, kept.id, elsewhere.id}


async def seen_by(office: OfficeServices, caller: Identity) -> set[str]:
    found, _ = await office.chat_sessions.page(caller, SessionFilter(), 500, 0)
    return {session.id for session in found}


async def delete_anna(office: OfficeServices) -> str:
    """Deletes anna and returns her pseudonym."""
    await office.users.delete("anna", "admin")
    async with office.database.unit_of_work() as work:
        (event, *_) = await work.audit.newest(1)
    return event.detail.partition('now: null → "')[2].rstrip('"')


@pytest.fixture
async def left_behind(office: OfficeServices) -> set[str]:
    await office.users.create("anna", Role.VIEWER, None, "admin")
    return await conversations_of_anna(office)


@pytest.mark.both_databases
async def test_new_user_of_name_sees_nothing_of_deleted(office: OfficeServices, left_behind: set[str]) -> None:
    assert await seen_by(office, ANNA) == left_behind
    await office.users.delete("anna", "admin")
    await office.users.create("anna", Role.VIEWER, None, "admin")
    assert await seen_by(office, ANNA) == set()
    for session_id in left_behind:
        with pytest.raises(NotFound):
            await office.chat_sessions.get(ANNA, session_id)
    assert (await office.conversations.open(PANEL, "anna", "Анна")).session_id not in left_behind


async def test_admin_exports_and_erases_deleted_user(office: OfficeServices, left_behind: set[str]) -> None:
    async with office.database.unit_of_work() as work:
        await work.recordings.add(StoredRecording("a", "admin", "recordings/a.wav", "audio/wav", 1.0, 4, person="anna"))
    await office.privacy.give_consent(StoredConsent("admin", "anna", "recording"), ADMIN)
    name = await delete_anna(office)
    assert await seen_by(office, ADMIN) == left_behind
    assert (await office.privacy.export(DataSubject("anna"), ADMIN)).conversations == ()
    former = await office.privacy.export(DataSubject(name), ADMIN)
    assert {session.id for session, _ in former.conversations} == left_behind
    assert {session.owner for session, _ in former.conversations} == {""}
    assert (len(former.recordings), len(former.consents)) == (1, 1)
    assert (await office.privacy.erase(DataSubject(name), ADMIN)).conversations == 3
    assert await seen_by(office, ADMIN) == set()


async def test_deleted_users_of_one_name_stay_distinct(office: OfficeServices, left_behind: set[str]) -> None:
    first = await delete_anna(office)
    await office.users.create("anna", Role.VIEWER, None, "admin")
    of_second = await conversations_of_anna(office)
    second = await delete_anna(office)
    assert first != second
    assert (await office.privacy.erase(DataSubject(first), ADMIN)).conversations == len(left_behind)
    kept = await office.privacy.export(DataSubject(second), ADMIN)
    assert {session.id for session, _ in kept.conversations} == of_second


async def test_other_sources_keep_the_name(office: OfficeServices, left_behind: set[str]) -> None:
    opened = await office.conversations.open(TurnSource(SourceKind.WIDGET, "site"), "anna", "Анна")
    await office.users.delete("anna", "admin")
    (session, _), *others = (await office.privacy.export(DataSubject("anna"), ADMIN)).conversations
    assert (session.id, others) == (opened.session_id, [])


async def test_user_deleted_by_older_version_is_detached(office: OfficeServices, left_behind: set[str]) -> None:
    async with office.database.unit_of_work() as work:  # as it was done then
        await work.users.remove("anna")
    await office.users.create("anna", Role.VIEWER, None, "admin")
    assert await seen_by(office, ANNA) == set()
    assert (await office.conversations.open(PANEL, "anna", "Анна")).session_id not in left_behind


async def test_user_delete_rejected_changes_nothing(office: OfficeServices) -> None:
    opened = await office.conversations.open(PANEL, "admin", "Админ")
    async with office.database.unit_of_work() as work:
        await work.users.add(StoredUser("boris", "x", "operator"))
    with pytest.raises(Conflict, match="last enabled administrator"):
        await office.users.delete("admin", "boris")
    assert (await office.chat_sessions.get(ADMIN, opened.session_id)).owner == "admin"
