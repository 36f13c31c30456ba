"""What is stored of people and their sign-ins, through its repositories."""

from datetime import UTC, datetime, timedelta

from deployments.contracts.chat import ChatMessage, Overrides, SourceKind, TurnSource
from deployments.contracts.reports import KeyUsage, UsageCount
from deployments.contracts.sessions import StoredSession
from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditEvent, AuditFilter
from storage.repositories.consents import StoredConsent
from storage.repositories.recordings import StoredRecording
from storage.repositories.sessions import SessionFilter
from storage.repositories.tokens import StoredRefreshToken
from storage.repositories.usage import UsageTotals
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork
from tests.storage.test_repositories import exchange

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
PANEL = TurnSource(SourceKind.ADMIN)


async def token(work: UnitOfWork, digest: str, family: str, user: StoredUser, **moments: datetime) -> None:
    given = {"expires_at": NOW + DAY, "created_at": NOW} | moments
    await work.tokens.add(StoredRefreshToken(digest, family, user.id, address="2001:db8::1", **given))


async def test_a_refresh_token_is_used_once_and_its_family_ends(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna = await work.users.add(StoredUser("anna", "h", "viewer"))
        await token(work, "a1", "a", anna)
        await token(work, "b1", "b", anna, created_at=NOW + timedelta(seconds=1))
    async with database.unit_of_work() as work:
        assert await work.tokens.mark_used("a1", NOW)
        assert not await work.tokens.mark_used("a1", NOW)
        await token(work, "a2", "a", anna, created_at=NOW + timedelta(seconds=2))
        assert await work.tokens.families(anna.id) == ("b", "a")
        signed = {one.family: (one.username, one.role) for one in await work.tokens.sign_ins(NOW)}
        assert signed == {"a": ("anna", "viewer"), "b": ("anna", "viewer")}
        await work.tokens.remove_oldest("a", 1)
        assert await work.tokens.get("a1") is None
        newest = await work.tokens.newest("a")
        assert newest is not None
        assert newest.digest == "a2"
        assert await work.tokens.newest("nothing") is None
        await work.tokens.revoke_family("a", NOW)
        stored = await work.tokens.get("a2")
        assert stored is not None
        assert (stored.revoked_at, stored.address) == (NOW, "2001:db8::1")
        await work.tokens.revoke_user("anna", NOW)
        assert await work.tokens.sign_ins(NOW) == ()


async def test_tokens_are_forgotten_by_family_by_age_and_with_their_person(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna, boris = [await work.users.add(StoredUser(name, "h")) for name in ("anna", "boris")]
        await token(work, "a1", "a", anna)
        await token(work, "b1", "b", anna, expires_at=NOW)
        await token(work, "c1", "c", boris)
        await work.tokens.remove_families(["a"])
        await work.tokens.remove_expired(NOW)
        assert await work.tokens.families(anna.id) == ()
        await work.users.remove("boris")
    async with database.unit_of_work() as work:
        assert await work.tokens.get("c1") is None


async def test_consents_are_given_withdrawn_renamed_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.consents.add(StoredConsent("telegram", "-100:42", "recording", "shop", "Запись"))
        await work.consents.add(StoredConsent("admin", "42", "storage"))
        other = await work.consents.add(StoredConsent("phone", "142", "voice_clone"))
    async with database.unit_of_work() as work:
        withdrawn = await work.consents.withdraw(first.id)
        assert withdrawn is not None
        assert withdrawn.withdrawn_at is not None
        assert await work.consents.withdraw(10**6) is None
        assert len(await work.consents.of_person("42", None, None)) == 2
        assert await work.consents.of_person("42", "telegram", "shop") == (withdrawn,)
        assert [one.id for one in await work.consents.page(None, 1, 0)] == [other.id]
        await work.consents.rename_person("admin", "42", "42 (former)")
        assert await work.consents.page("42", 10, 0) == (withdrawn,)
        assert await work.consents.remove_of_person("42", None, None) == 1
        assert len(await work.consents.page(None, 10, 0)) == 2


def recording(name: str, **fields: object) -> StoredRecording:
    given = {"source": "admin", "media_type": "audio/wav", "seconds": 1.5, "size_bytes": 4} | fields
    return StoredRecording(id=name, path=f"recordings/{name}.wav", **given)  # type: ignore[arg-type]


async def test_recordings_leave_their_files_on_a_list(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(SHOP, "42", "Иван")
        for name, fields in (
            ("a", {"session_id": session.id}),
            ("b", {"person": "42", "created_at": NOW - 2 * DAY}),
            ("c", {"person": "142"}),
            ("d", {"person": "42", "created_at": NOW - 3 * DAY}),
        ):
            await work.recordings.add(recording(name, **fields))
    async with database.unit_of_work() as work:
        of_person = await work.recordings.of_person("42", None, None, [session.id])
        assert [one.id for one in of_person] == ["d", "b", "a"]
        await work.recordings.rename_person("admin", "42", "42 (former)")
        assert [one.id for one in await work.recordings.of_person("42", None, None, [session.id])] == ["a"]
        assert await work.recordings.remove_before(NOW - DAY, 1) == 1
        assert await work.recordings.remove_of_sessions([session.id]) == 1
        assert await work.recordings.remove(["b", "c", "nothing"]) == 2
    async with database.unit_of_work() as work:
        assert await work.recordings.files_to_delete(2) == ("recordings/a.wav", "recordings/b.wav")
        rest = await work.recordings.files_to_delete(10, after="recordings/b.wav")
        assert rest == ("recordings/c.wav", "recordings/d.wav")
        await work.recordings.remove_file_deletions(rest)
        assert len(await work.recordings.files_to_delete(10)) == 2


async def test_usage_adds_up_by_day_key_source_and_route(database: Database) -> None:
    tally = UsageCount(day="2026-05-01", key_id=7, source="api", route="local", requests=1, prompt_tokens=10)
    async with database.unit_of_work() as work:
        more = {"completion_tokens": 2**31 - 100, "audio_seconds": 0.5}
        await work.usage.add([tally, tally, tally.model_copy(update={"day": "2026-05-02", **more})])
        await work.usage.add([tally.model_copy(update={"key_id": 0, "source": "telegram"})])
    async with database.unit_of_work() as work:
        assert await work.usage.by_key("2026-05-02") == {7: KeyUsage(tokens=2**31 - 90, audio_seconds=0.5)}
        days = await work.usage.totals("2026-05-01", "2026-05-02", ("day",))
        assert [(one.day, one.requests, one.prompt_tokens) for one in days] == [
            ("2026-05-01", 3, 30),
            ("2026-05-02", 1, 10),
        ]
        (whole,) = await work.usage.totals("2026-05-01", "2026-05-02", ())
        assert whole == UsageTotals(requests=4, prompt_tokens=40, completion_tokens=2**31 - 100, audio_seconds=0.5)
        sources = await work.usage.totals("2026-05-01", "2026-05-01", ("source", "route", "key"))
        assert [(one.source, one.key_id) for one in sources] == [("api", 7), ("telegram", 0)]


async def three_conversations(work: UnitOfWork) -> list[StoredSession]:
    return [
        await work.sessions.begin(SHOP, "42", "Иван"),
        await work.sessions.begin(SHOP, "-100:42", "Иван"),
        await work.sessions.create(PANEL, "anna", "Отпуск", Overrides()),
    ]


async def test_conversations_are_found_by_person_and_ended(database: Database) -> None:
    async with database.unit_of_work() as work:
        private, group, panel = await three_conversations(work)
    async with database.unit_of_work() as work:
        assert await work.sessions.get_running(SHOP, "42") == private
        assert await work.sessions.get_many([private.id, panel.id, "nothing"]) == {private.id: private, panel.id: panel}
        assert {one.id for one in await work.sessions.of_person("42", None, None)} == {private.id, group.id}
        summaries, total = await work.sessions.list_running(SHOP, 1, 0)
        assert (len(summaries), total) == (1, 2)
        await work.sessions.end_running(SHOP, "42")
        assert await work.sessions.get_running(SHOP, "42") is None
        assert await work.sessions.end_all(SHOP) == 1
        assert set(await work.sessions.unused_since(NOW + DAY, 2)) < {private.id, group.id, panel.id}


async def test_conversations_that_are_left_to_nobody_end(database: Database) -> None:
    async with database.unit_of_work() as work:
        running = await work.sessions.begin(PANEL, "anna", "Анна")
        await work.sessions.create(PANEL, "anna", "Отпуск", Overrides())
        elsewhere = await work.sessions.begin(SHOP, "anna", "Анна")
        await work.sessions.release_owner("anna", "anna (former)")
    async with database.unit_of_work() as work:
        assert await work.sessions.page(SessionFilter(owner="anna"), 10, 0) == ((), 0)
        assert len(await work.sessions.of_person("anna (former)", "admin", None)) == 2
        assert await work.sessions.get_running(PANEL, "anna (former)") is None
        assert await work.sessions.get_running(SHOP, "anna") == elsewhere
        assert (await work.sessions.begin(PANEL, "anna", "Анна")).id != running.id


async def test_exchanges_are_silenced_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for days, (turn_id, session_id) in enumerate((("t1", "s1"), ("t2", "s2"), ("t3", None))):
            one = exchange(turn_id, session_id).model_copy(update={"created_at": NOW + days * DAY})
            await work.exchanges.add_new([one])
    async with database.unit_of_work() as work:
        assert [one.turn_id for one in await work.exchanges.of_sessions(["s2", "s1"])] == ["t1", "t2"]
        assert await work.exchanges.redact_sessions(["s1", "nothing"]) == 1
        assert await work.exchanges.of_sessions(["s1"]) == ()
        await work.exchanges.redact_turns(["t2", "t2", "nothing"])
        assert [(one.question, one.session_id) for one in await work.exchanges.of_sessions(["s2"])] == [("", "s2")]
        silent = (await work.exchanges.newest())[-1]
        assert (silent.turn_id, silent.question, silent.answer, silent.session_id) == ("t1", "", "", None)
        assert await work.exchanges.remove_before(NOW + 10_000 * DAY, 2) == 2
        assert [one.turn_id for one in await work.exchanges.newest()] == ["t3"]


async def test_a_report_is_accepted_once(database: Database) -> None:
    async with database.unit_of_work() as work:
        assert await work.exchanges.accept_report("door", 1, "a" * 64)
    async with database.unit_of_work() as work:
        assert not await work.exchanges.accept_report("door", 1, "a" * 64)
        assert await work.exchanges.accept_report("door", 1, "b" * 64)
        await work.exchanges.remove_reports(NOW + DAY)
        assert await work.exchanges.accept_report("door", 1, "b" * 64)


async def test_one_message_of_a_conversation(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(SHOP, "42", "Иван")
        stored = await work.messages.add(session.id, "user", "Ёлка?", parent_id=None, turn_id="t")
        assert await work.messages.get(session.id, stored.id) == stored
        assert await work.messages.get("another", stored.id) is None
        assert await work.messages.newest(session.id, 1) == (ChatMessage("user", "Ёлка?"),)


async def test_the_trail_is_read_on_and_checked_in_steps(database: Database) -> None:
    async with database.unit_of_work() as work:
        for number in range(5):
            await work.audit.add(AuditEvent("anna", "look", "thing", str(number)))
    async with database.unit_of_work() as work:
        first = await work.audit.after(AuditFilter(username="anna"), 0, 3)
        second = await work.audit.after(AuditFilter(username="anna"), first[-1].id, 3)
        assert [one.event.resource_id for one in (*first, *second)] == ["0", "1", "2", "3", "4"]
        half = await work.audit.check_chain(ChainPosition(), 3)
        assert (half.finished, half.broken_id, half.position.id) == (False, None, first[-1].id)
        assert (await work.audit.check_chain(half.position, 3)).finished


async def test_a_mode_is_that_of_the_running_conversation_of_one_person(database: Database) -> None:
    async with database.unit_of_work() as work:
        old = await work.sessions.begin(SHOP, "42", "Иван")
        await work.sessions.end_running(SHOP, "42")
        new = await work.sessions.begin(SHOP, "42", "Иван")
        other = await work.sessions.begin(SHOP, "43", "Ольга")
        await work.sessions.set_mode(SHOP, "42", "brief")
    async with database.unit_of_work() as work:
        stored = await work.sessions.get_many([old.id, new.id, other.id])
        assert {id_: each.mode for id_, each in stored.items()} == {old.id: "", new.id: "brief", other.id: ""}
