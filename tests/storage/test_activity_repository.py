"""Counts of exchanges, open questions, and conversations found by what was said and what answered."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from deployments.contracts.exchange import Exchange
from storage.database import Database
from storage.repositories.answered_by import AnsweredBy
from storage.repositories.session_filter import SessionFilter
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.records import DAY, NOW, TELEGRAM, exchange

NOON = NOW.replace(hour=12, minute=20, second=0, microsecond=0)


def asked(turn_id: str, session_id: str, route: str, at: datetime = NOON, **fields: object) -> Exchange:
    given = {"route": route, "created_at": at} | fields
    return exchange(turn_id, session_id).model_copy(update=given)


EXCHANGES = (
    asked("t1", "s1", "faq:7"),
    asked("t2", "s1", "local", NOON + timedelta(hours=1)),
    asked("t3", "s2", "fallback", language="de", question="Wann?"),
    asked("t4", "s2", "local", answer="", finished=False, error="engine_failed"),
    asked("t5", "s3", "cloud:gemini", source_kind="api"),
    asked("t6", "s1", "faq:7", NOON - DAY),
)


@ON_BOTH_DATABASES
async def test_activity_is_counted_by_channel_and_hour(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.exchanges.add_new(EXCHANGES)
        api, telegram = await work.activity.by_channel(NOON, NOON + DAY)
        hours = await work.activity.by_hour(NOON - DAY, NOON + DAY)
    assert (api.source, api.conversations, api.answers) == ("api", 1, {AnsweredBy.MODEL: 1})
    assert (telegram.conversations, telegram.questions) == (2, 4)
    assert telegram.answers == {AnsweredBy.FAQ: 1, AnsweredBy.MODEL: 1, AnsweredBy.NOBODY: 2}
    full = NOON.replace(minute=0)
    assert hours == ((full - DAY, 1), (full, 4), (full + timedelta(hours=1), 1))


@ON_BOTH_DATABASES
async def test_open_questions_are_listed_until_closed(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.exchanges.add_new(EXCHANGES)
        found = await work.activity.open_questions(10)
        assert sorted((each.turn_id, each.error) for each in found) == [("t3", ""), ("t4", "engine_failed")]
        assert await work.activity.close_questions(["t3", "t1"]) == 1
        assert [each.turn_id for each in await work.activity.open_questions(10)] == ["t4"]
        await work.exchanges.redact_sessions(["s2"])
        assert await work.activity.open_questions(10) == ()


async def test_open_questions_use_their_index(sqlite_database: Database) -> None:
    query = "SELECT id FROM exchanges WHERE needs_answer = 1 ORDER BY created_at DESC LIMIT 10"
    plan: list[str] = []
    await sqlite_database.run_sync(
        lambda connection: plan.append(str(connection.execute(text("EXPLAIN QUERY PLAN " + query)).all()))
    )
    assert "ix_exchanges_needs_answer" in plan[0]


@ON_BOTH_DATABASES
async def test_stage_times_are_stored(database: Database) -> None:
    timed = asked("t1", "s1", "local", first_token_ms=120.5, faq_ms=0.4, faq_rule="exact", language="ru")
    async with database.unit_of_work() as work:
        await work.exchanges.add_new([timed])
        assert await work.exchanges.of_sessions(["s1"]) == (timed.model_copy(update={"created_at": NOON}),)


@ON_BOTH_DATABASES
@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (SessionFilter(text="ДОСТАВКА завтра"), True),
        (SessionFilter(text="доставка вчера"), False),
        (SessionFilter(language="de"), True),
        (SessionFilter(language="ru"), False),
        (SessionFilter(answered_by=AnsweredBy.NOBODY), True),
        (SessionFilter(answered_by=AnsweredBy.FAQ), False),
        (SessionFilter(since=NOW - DAY, before=NOW + DAY), True),
        (SessionFilter(since=NOW + DAY), False),
    ],
)
async def test_sessions_are_found_by_content(database: Database, criteria: SessionFilter, found: bool) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TELEGRAM, "42", "Иван")
        await work.messages.add(session.id, "user", "Доставка будет завтра?", parent_id=None, turn_id="t3")
        await work.exchanges.add_new([asked("t3", session.id, "fallback", language="de")])
        assert (await work.sessions.page(criteria, 10, 0))[1] == int(found)
