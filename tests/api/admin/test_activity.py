"""Routes of what was asked and what answered: ``/usage/activity``, ``/usage/hours``, ``/faq/open-questions``, turns."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import APIRouter

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.chat.routes import chat_router
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import DoorReport
from storage.repositories.audit import AuditFilter
from tests.api.admin.admin_client import admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers


def routers(office: OfficeServices) -> tuple[APIRouter, ...]:
    chat = chat_router(office.chat_sessions, office.dialogue, None)  # type: ignore[arg-type]
    return (*office_only_routers(office), chat)


SHOP = TurnSource(SourceKind.TELEGRAM, "shop")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


async def report(office: OfficeServices, **answers: dict[str, object]) -> str:
    """Reports one conversation of a bot with these turns and returns its id."""
    session = await office.conversations.open(SHOP, "42", "Иван")
    exchanges = tuple(
        Exchange(
            turn_id=turn,
            session_id=session.session_id,
            source_kind="telegram",
            source_id="shop",
            created_at=datetime.now(UTC),
            **{"question": "Есть доставка?", "answer": "Да.", "route": "local", "total_ms": 900} | fields,  # type: ignore[arg-type]
        )
        for turn, fields in answers.items()
    )
    await office.report_ingest.accept(DoorReport(door="d", run="a", sequence=1, revision=1, exchanges=exchanges))
    return session.session_id


async def test_activity_of_today_and_turns(office: OfficeServices) -> None:
    session_id = await report(office, t1={"route": "faq:7", "first_token_ms": 0.5}, t2={"language": "ru"})
    async with admin_client(office, routers, "operator") as client:
        today = (await client.get("/usage/activity")).json()
        counts = {"conversations": 1, "questions": 2, "faq": 1, "model": 1, "nobody": 0}
        assert (today["totals"], today["channels"]) == (counts, [{"source": "telegram"} | counts])
        assert sum(each["questions"] for each in (await client.get("/usage/hours")).json()["hours"]) == 2
        turns = (await client.get(f"/chat/sessions/{session_id}/turns")).json()["turns"]
        assert [(each["turn_id"], each["route"], each["first_token_ms"]) for each in turns] == [
            ("t1", "faq:7", 0.5),
            ("t2", "local", None),
        ]
        for query, total in (("text=ДОСТАВКА", 1), ("answered_by=nobody", 0), ("language=ru", 1), ("text=скидка", 0)):
            assert (await client.get(f"/chat/sessions?{query}")).json()["total"] == total, query


async def test_open_questions_are_closed(office: OfficeServices) -> None:
    failed = {"answer": "", "finished": False, "error": "unavailable"}
    await report(office, t1={"route": "fallback"}, t2=failed, t3={"question": "Другое", **failed}, t4={})
    async with admin_client(office, office_only_routers, "operator") as client:
        other, delivery = sorted(
            (await client.get("/faq/open-questions")).json()["questions"], key=lambda q: len(q["turn_ids"])
        )
        assert (other["question"], other["error"]) == ("Другое", "unavailable")
        assert sorted(delivery["turn_ids"]) == ["t1", "t2"]
        closed = await client.post("/faq/open-questions/close", json={"turn_ids": delivery["turn_ids"]})
        assert closed.json() == {"closed": 2}
        assert len((await client.get("/faq/open-questions")).json()["questions"]) == 1
    records, _ = await office.audit.find(AuditFilter(resource="open questions"), 10, 0)
    assert [record.event.action for record in records] == ["close"]


async def test_activity_is_not_for_viewers(office: OfficeServices) -> None:
    async with admin_client(office, office_only_routers, "viewer") as client:
        for path in ("/usage/activity", "/usage/hours", "/faq/open-questions"):
            assert (await client.get(path)).status_code == 403
