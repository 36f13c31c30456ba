"""Conversations, exchanges, recordings and usage in the database."""

from datetime import UTC, datetime

import pytest

from deployments.contracts.chat import Overrides
from deployments.contracts.reports import KeyUsage, UsageCount
from storage.database import Database
from storage.repositories.session_filter import SessionFilter
from storage.repositories.usage import UsageTotals
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.records import DAY, NOW, PANEL, TELEGRAM, exchange, recording


@ON_BOTH_DATABASES
async def test_sessions_are_found_by_person_and_ended(database: Database) -> None:
    async with database.unit_of_work() as work:
        private = await work.sessions.begin(TELEGRAM, "42", "Иван")
        group = await work.sessions.begin(TELEGRAM, "-100:42", "Иван")
        panel = await work.sessions.create(PANEL, "anna", "Отпуск", Overrides())
    async with database.unit_of_work() as work:
        assert await work.sessions.get_running(TELEGRAM, "42") == private
        assert await work.sessions.get_many([private.id, panel.id, "x"]) == {private.id: private, panel.id: panel}
        assert {each.id for each in await work.sessions.of_person("42", None, None)} == {private.id, group.id}
        running, total = await work.sessions.list_running(TELEGRAM, 1, 0)
        assert (len(running), total) == (1, 2)
        await work.sessions.end_running(TELEGRAM, "42")
        assert await work.sessions.get_running(TELEGRAM, "42") is None
        assert await work.sessions.end_all(TELEGRAM) == 1
        assert set(await work.sessions.unused_since(NOW + DAY, 2)) < {private.id, group.id, panel.id}


@ON_BOTH_DATABASES
async def test_release_owner_ends_and_renames_sessions(database: Database) -> None:
    async with database.unit_of_work() as work:
        running = await work.sessions.begin(PANEL, "anna", "Анна")
        await work.sessions.create(PANEL, "anna", "Отпуск", Overrides())
        elsewhere = await work.sessions.begin(TELEGRAM, "anna", "Анна")
        await work.sessions.release_owner("anna", "anna (former)")
    async with database.unit_of_work() as work:
        assert await work.sessions.page(SessionFilter(owner="anna"), 10, 0) == ((), 0)
        assert len(await work.sessions.of_person("anna (former)", "admin", None)) == 2
        assert await work.sessions.get_running(PANEL, "anna (former)") is None
        assert await work.sessions.get_running(TELEGRAM, "anna") == elsewhere
        assert (await work.sessions.begin(PANEL, "anna", "Анна")).id != running.id


async def test_set_mode_changes_the_running_session_only(database: Database) -> None:
    async with database.unit_of_work() as work:
        old = await work.sessions.begin(TELEGRAM, "42", "Иван")
        await work.sessions.end_running(TELEGRAM, "42")
        new = await work.sessions.begin(TELEGRAM, "42", "Иван")
        other = await work.sessions.begin(TELEGRAM, "43", "Ольга")
        await work.sessions.set_mode(TELEGRAM, "42", "brief")
    async with database.unit_of_work() as work:
        stored = await work.sessions.get_many([old.id, new.id, other.id])
    assert {id_: each.mode for id_, each in stored.items()} == {old.id: "", new.id: "brief", other.id: ""}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (SessionFilter(), 4),
        (SessionFilter(source="telegram"), 1),
        (SessionFilter(source="admin", source_id=""), 3),
        (SessionFilter(owner="ann"), 2),
        (SessionFilter(owner="nobody"), 0),
        (SessionFilter(title="ЕЛКА"), 1),
        (SessionFilter(title="100%"), 1),
        (SessionFilter(title="ёлка заказ"), 1),
        (SessionFilter(title="ёлка bob"), 0),
    ],
)
async def test_session_page_matches_the_filter(database: Database, criteria: SessionFilter, expected: int) -> None:
    async with database.unit_of_work() as work:
        for owner, title in (("ann", "Заказ: Ёлка"), ("ann", "100% скидка"), ("bob", "Иное")):
            await work.sessions.create(PANEL, owner, title, Overrides())
        await work.sessions.begin(TELEGRAM, "42", "")
        found, total = await work.sessions.page(criteria, 100, 0)
        assert (len(found), total) == (expected, expected)
        assert (await work.sessions.page(criteria, 1, 1))[1] == expected


@ON_BOTH_DATABASES
async def test_exchange_is_stored_once(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.exchanges.add_new((exchange("a"), exchange("b"), exchange("a")))
    async with database.unit_of_work() as work:
        second = await work.exchanges.add_new((exchange("b"), exchange("c")))
        stored = await work.exchanges.newest()
    assert [each.turn_id for each in first] == ["a", "b"]
    assert [each.turn_id for each in second] == ["c"]
    assert [each.turn_id for each in stored] == ["c", "b", "a"]
    assert stored[0].created_at == datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_exchanges_exceed_the_parameters_of_a_statement(database: Database) -> None:
    batch = tuple(exchange(f"turn {number}") for number in range(1200))
    async with database.unit_of_work() as work:
        assert len(await work.exchanges.add_new(batch)) == 1200
        assert await work.exchanges.add_new(batch) == ()


@ON_BOTH_DATABASES
async def test_exchanges_are_redacted_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for days, (turn_id, session_id) in enumerate((("t1", "s1"), ("t2", "s2"), ("t3", None))):
            created_at = NOW + days * DAY
            await work.exchanges.add_new([exchange(turn_id, session_id).model_copy(update={"created_at": created_at})])
    async with database.unit_of_work() as work:
        assert [each.turn_id for each in await work.exchanges.of_sessions(["s2", "s1"])] == ["t1", "t2"]
        assert await work.exchanges.redact_sessions(["s1", "nothing"]) == 1
        assert await work.exchanges.of_sessions(["s1"]) == ()
        await work.exchanges.redact_turns(["t2", "t2", "nothing"])
        assert [(each.question, each.session_id) for each in await work.exchanges.of_sessions(["s2"])] == [("", "s2")]
        redacted = (await work.exchanges.newest())[-1]
        assert (redacted.turn_id, redacted.question, redacted.answer, redacted.session_id) == ("t1", "", "", None)
        assert await work.exchanges.remove_before(NOW + 10_000 * DAY, 2) == 2
        assert [each.turn_id for each in await work.exchanges.newest()] == ["t3"]


@ON_BOTH_DATABASES
async def test_repeated_report_is_not_accepted(database: Database) -> None:
    async with database.unit_of_work() as work:
        assert await work.exchanges.accept_report("door", 1, "a" * 64)
    async with database.unit_of_work() as work:
        assert not await work.exchanges.accept_report("door", 1, "a" * 64)
        assert await work.exchanges.accept_report("door", 1, "b" * 64)
        await work.exchanges.remove_reports(NOW + DAY)
        assert await work.exchanges.accept_report("door", 1, "b" * 64)


@ON_BOTH_DATABASES
async def test_removed_recording_queues_its_file(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TELEGRAM, "42", "Иван")
        for name, fields in (
            ("a", {"session_id": session.id}),
            ("b", {"person": "42", "created_at": NOW - 2 * DAY}),
            ("c", {"person": "142"}),
            ("d", {"person": "42", "created_at": NOW - 3 * DAY}),
        ):
            await work.recordings.add(recording(name, **fields))
    async with database.unit_of_work() as work:
        of_person = await work.recordings.of_person("42", None, None, [session.id])
        assert [each.id for each in of_person] == ["d", "b", "a"]
        await work.recordings.rename_person("admin", "42", "42 (former)")
        assert [each.id for each in await work.recordings.of_person("42", None, None, [session.id])] == ["a"]
        assert await work.recordings.remove_before(NOW - DAY, 1) == 1
        assert await work.recordings.remove_of_sessions([session.id]) == 1
        assert await work.recordings.remove(["b", "c", "nothing"]) == 2
    async with database.unit_of_work() as work:
        assert await work.recordings.files_to_delete(2) == ("recordings/a.wav", "recordings/b.wav")
        rest = await work.recordings.files_to_delete(10, after="recordings/b.wav")
        assert rest == ("recordings/c.wav", "recordings/d.wav")
        await work.recordings.remove_file_deletions(rest)
        assert len(await work.recordings.files_to_delete(10)) == 2


@ON_BOTH_DATABASES
async def test_usage_is_grouped_by_day_key_source_and_route(database: Database) -> None:
    tally = UsageCount(day="2026-05-01", key_id=7, source="api", route="local", requests=1, prompt_tokens=10)
    async with database.unit_of_work() as work:
        more = {"completion_tokens": 2**31 - 100, "audio_seconds": 0.5}
        await work.usage.add([tally, tally, tally.model_copy(update={"day": "2026-05-02", **more})])
        await work.usage.add([tally.model_copy(update={"key_id": 0, "source": "telegram"})])
    async with database.unit_of_work() as work:
        assert await work.usage.by_key("2026-05-02") == {7: KeyUsage(tokens=2**31 - 90, audio_seconds=0.5)}
        days = await work.usage.totals("2026-05-01", "2026-05-02", ("day",))
        assert [(each.day, each.requests, each.prompt_tokens) for each in days] == [
            ("2026-05-01", 3, 30),
            ("2026-05-02", 1, 10),
        ]
        (total,) = await work.usage.totals("2026-05-01", "2026-05-02", ())
        assert total == UsageTotals(requests=4, prompt_tokens=40, completion_tokens=2**31 - 100, audio_seconds=0.5)
        sources = await work.usage.totals("2026-05-01", "2026-05-01", ("source", "route", "key"))
        assert [(each.source, each.key_id) for each in sources] == [("api", 7), ("telegram", 0)]


async def test_members_of_a_moved_group_keep_their_conversations(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.sessions.begin(TELEGRAM, "-5:42", "Иван")
        other = await work.sessions.begin(TELEGRAM, "-55:42", "Иван")
        newer = await work.sessions.begin(TELEGRAM, "-100:42", "Иван")
        await work.sessions.move_chat(TELEGRAM, "-5", "-100")
    async with database.unit_of_work() as work:
        running = await work.sessions.get_running(TELEGRAM, "-100:42")
        assert running is not None
        assert running.id == first.id != newer.id
        kept = await work.sessions.get_running(TELEGRAM, "-55:42")
        assert kept is not None
        assert kept.id == other.id
        assert await work.sessions.get_running(TELEGRAM, "-5:42") is None
