"""Routes of ``/audit``: filters, pages, exports and cleanup."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from deployments.administration.audit.audit_log import AuditLog
from deployments.administration.office.composition import OfficeServices
from storage.models import AuditRow
from storage.repositories.audit import AuditEvent, AuditFilter
from tests.api.admin.admin_client import admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers

NOW = datetime.now(UTC)
FORMULA = '=HYPERLINK("http://evil","x")'


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        events = [AuditEvent("anna", "update", "faq", str(n), at=NOW - timedelta(days=n)) for n in range(30, 0, -1)]
        odd = AuditEvent(FORMULA, "create", "bot", "-1+1", "192.0.2.7", "два\nlines, and a comma")
        async with office.database.unit_of_work() as work:
            for event in (*events, odd):
                await work.audit.add(event)
        yield office


@pytest.fixture
async def admin(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, office_only_routers, "admin") as client:
        yield client


async def test_audit_page_has_total(admin: httpx.AsyncClient) -> None:
    first = (await admin.get("/audit/logs", params={"resource": "faq", "user_id": "anna", "limit": 12})).json()
    assert (first["count"], first["total"]) == (12, 30)
    last = (
        await admin.get("/audit/logs", params={"resource": "faq", "user_id": "anna", "limit": 12, "offset": 24})
    ).json()
    assert (last["count"], last["total"]) == (6, 30)
    assert not {log["id"] for log in first["logs"]} & {log["id"] for log in last["logs"]}


async def test_audit_date_without_time_covers_whole_day(admin: httpx.AsyncClient) -> None:
    day = (NOW - timedelta(days=3)).date().isoformat()
    found = (await admin.get("/audit/logs", params={"from_date": day, "to_date": day})).json()
    assert [log["resource_id"] for log in found["logs"]] == ["3"]
    moment = (NOW - timedelta(days=3, seconds=-1)).isoformat()
    until = (await admin.get(f"/audit/logs?resource=faq&to_date={moment}")).json()
    assert until["total"] == 28, "a plus sign that became a space is still read"


@pytest.mark.parametrize(
    "query",
    [
        {"from_date": "yesterday"},
        {"to_date": "2026-13-01"},
        {"to_date": "9999-12-31"},
        {"from_date": "0001-01-01T00:00:00+14:00"},
        {"from_date": "2026-02-01", "to_date": "2026-01-01"},
        {"limit": "0"},
        {"limit": "100000"},
        {"offset": "-1"},
        {"action": "x" * 200},
    ],
)
async def test_audit_query_invalid_is_400(admin: httpx.AsyncClient, query: dict[str, str]) -> None:
    for path in ("/audit/logs", "/audit/export"):
        if path == "/audit/export" and {"limit", "offset"} & set(query):
            continue
        assert (await admin.get(path, params=query)).status_code == 400, path


async def test_audit_stats_count_by_kind(admin: httpx.AsyncClient) -> None:
    stats = (await admin.get("/audit/stats")).json()["stats"]
    assert stats["by_resource"]["faq"] == 31, "and the seed"
    assert stats["by_action"]["update"] == 30
    assert stats["last_24h"] < stats["total"] == sum(stats["by_action"].values())


async def test_audit_json_export_is_complete_and_ordered(admin: httpx.AsyncClient) -> None:
    reply = await admin.get("/audit/export")
    events = json.loads(reply.content)
    assert "attachment" in reply.headers["content-disposition"]
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    assert events[-1]["action"] in ("create", "export")
    assert FORMULA in {event["user_id"] for event in events}
    empty = await admin.get("/audit/export", params={"action": "nothing like it"})
    assert json.loads(empty.content) == []


async def test_audit_csv_export_escapes_formulas(admin: httpx.AsyncClient) -> None:
    reply = await admin.get("/audit/export", params={"format": "csv", "resource": "bot"})
    assert reply.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(reply.text))
    assert (row["user_id"], row["resource_id"]) == (f"'{FORMULA}", "'-1+1")
    assert row["details"] == "два\nlines, and a comma"
    assert (await admin.get("/audit/export", params={"format": "xls"})).status_code == 400


async def test_audit_days_count_matching_events(admin: httpx.AsyncClient) -> None:
    reply = await admin.get("/audit/days", params={"user_id": "anna", "days": 7})
    days = reply.json()["days"]
    assert list(days) == sorted(days)
    assert (len(days), list(days.values())[:6], days[NOW.date().isoformat()]) == (7, [1] * 6, 0)
    assert (await admin.get("/audit/days", params={"days": 1_000})).status_code == 400


async def test_audit_export_reads_in_batches(office: OfficeServices) -> None:
    async with office.database.unit_of_work() as work:
        for number in range(7):
            await work.audit.add(AuditEvent("boris", "many", "thing", str(number)))
    events = await AuditLog(office.database, batch_size=3).export(AuditFilter("many"), "root")
    assert [event.event.resource_id async for event in events] == [str(number) for number in range(7)]


async def test_audit_event_has_client_address(office: OfficeServices) -> None:
    async with admin_client(office, office_only_routers, "admin", address="192.0.2.9") as client:
        made = (await client.post("/keys", json={"name": "shop"})).json()
        assert (await client.delete(f"/keys/{made['id']}")).status_code == 204
        newest = (await client.get("/audit/logs", params={"resource": "api_key", "limit": 2})).json()["logs"]
    assert [(event["action"], event["user_ip"]) for event in newest] == [
        ("revoke", "192.0.2.9"),
        ("create", "192.0.2.9"),
    ]
    await office.keys.create("by the secretary itself")
    async with office.database.unit_of_work() as work:
        (event,) = await work.audit.newest(1)
    assert event.address == ""


async def test_audit_cleanup_deletes_old_and_is_audited(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    for days in ("6", "0", "-3", "1000000", "x"):
        assert (await admin.post("/audit/cleanup", params={"days": days})).status_code == 400
    async with office.database.unit_of_work() as work:
        preparing = [each.id for each in await work.audit.after(AuditFilter(username="(installation)"), 0, 100)]
    await office.database.run_sync(
        lambda connection: connection.execute(
            update(AuditRow).where(AuditRow.id.in_(preparing)).values(created_at=NOW - timedelta(days=31))
        )
    )
    reply = await admin.post("/audit/cleanup", params={"days": 10})
    assert reply.json() == {"status": "ok", "deleted": 21 + len(preparing), "retention_days": 10}
    newest = (await admin.get("/audit/logs", params={"action": "cleanup"})).json()["logs"][0]
    assert newest["user_id"] == "admin"
    assert newest["user_ip"] == "127.0.0.1"
    assert newest["details"].startswith(f"{21 + len(preparing)} events")
    assert (await admin.get("/audit/verify")).json() == {"intact": True, "first_broken": None}
    async with admin_client(office, office_only_routers, "operator") as operator:
        assert (await operator.post("/audit/cleanup")).status_code == 403
        assert (await operator.get("/audit/logs")).status_code == 200
    async with admin_client(office, office_only_routers, "viewer") as viewer:
        assert (await viewer.get("/audit/logs")).status_code == 403
