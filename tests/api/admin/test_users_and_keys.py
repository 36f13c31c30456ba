"""Routes of ``/users``, ``/keys`` and ``/usage``."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.users.service import UserChange
from deployments.contracts.api_key import KeyLimits
from deployments.contracts.errors import Conflict
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Role
from deployments.contracts.reports import DoorReport, UsageCount
from storage.secrets import key_digest
from tests.api.admin.admin_client import admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def admin(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, office_only_routers, "admin") as client:
        yield client


async def add(admin: httpx.AsyncClient, name: str, role: str = "admin") -> httpx.Response:
    body = {"username": name, "role": role, "password": "a first password"}
    return await admin.post("/users", json=body)


async def test_user_create_read_change_delete(admin: httpx.AsyncClient) -> None:
    made = await add(admin, " Anna.B@Example ", "viewer")
    assert made.status_code == 201
    assert made.json()["username"] == "anna.b@example"
    assert made.json()["password"] is None
    assert "hash" not in made.text
    read = await admin.get("/users/anna.b@example")
    changed = await admin.patch(
        "/users/anna.b@example", json={"role": "operator"}, headers={"if-match": read.headers["etag"]}
    )
    assert (changed.json()["role"], changed.json()["version"]) == ("operator", 2)
    assert changed.headers["etag"] == '"2"'
    listed = (await admin.get("/users")).json()
    assert [user["username"] for user in listed["users"]] == ["admin", "anna.b@example"]
    assert (await admin.delete("/users/anna.b@example")).status_code == 204
    assert (await admin.get("/users/anna.b@example")).status_code == 404


async def test_user_change_requires_version(admin: httpx.AsyncClient) -> None:
    await add(admin, "anna")
    assert (await admin.patch("/users/anna", json={"role": "viewer"})).status_code == 428
    assert (await admin.patch("/users/anna", json={"role": "viewer", "version": 1})).status_code == 200
    assert (await admin.patch("/users/anna", json={"role": "admin", "version": 1})).status_code == 409
    assert (await admin.get("/users/anna")).json()["role"] == "viewer"


async def test_user_password_reset_must_be_changed(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    await add(admin, "anna")
    reset = await admin.patch("/users/anna", json={"reset_password": True, "version": 1})
    assert reset.json()["must_change_password"] is True
    account = await office.accounts.authenticate("anna", reset.json()["password"], "")
    assert account.must_change_password
    assert (await admin.get("/users/anna")).json()["password"] is None
    async with office.database.unit_of_work() as work:
        assert reset.json()["password"] not in repr(await work.audit.newest(100))


@pytest.mark.parametrize(
    "body",
    [
        {"username": ""},
        {"username": "a b"},
        {"username": "../x"},
        {"username": "anna", "role": "king"},
        {"username": "anna", "password": "short"},
        {"username": "anna", "password": "anna" * 300},
        {"username": "anna", "enabled": True},
        {"username": "long-enough", "password": "Long-Enough"},
    ],
)
async def test_user_with_invalid_fields_is_rejected(admin: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await admin.post("/users", json=body)).status_code == 400
    assert (await admin.get("/users")).json()["total"] == 1


async def test_user_name_is_unique(admin: httpx.AsyncClient) -> None:
    assert (await add(admin, "anna")).status_code == 201
    assert (await add(admin, "ANNA")).status_code == 409


async def test_user_cannot_remove_last_admin_or_self(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    for body in ({"role": "viewer"}, {"enabled": False}, {"reset_password": True}):
        refused = await admin.patch("/users/admin", json={**body, "version": 1})
        assert refused.status_code == 409, body
    assert (await admin.delete("/users/admin")).status_code == 409
    await add(admin, "boris", "operator")
    for change in (UserChange(role=Role.VIEWER), UserChange(enabled=False)):
        with pytest.raises(Conflict, match="last enabled administrator"):
            await office.users.update("admin", change, 1, "boris")
    with pytest.raises(Conflict, match="last enabled administrator"):
        await office.users.delete("admin", "boris")
    assert (await office.users.get("admin")).version == 1


async def test_users_and_keys_require_admin(office: OfficeServices) -> None:
    async with admin_client(office, office_only_routers, "operator") as client:
        for path in ("/users", "/users/admin", "/keys"):
            assert (await client.get(path)).status_code == 403


async def test_key_is_shown_once_and_stored_as_digest(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    made = await admin.post("/keys", json={"name": "shop", "scopes": ["chat"], "owner": "the shop"})
    assert made.status_code == 201
    plain = made.json()["key"]
    assert any(key.digest == key_digest(plain) for key in office.publisher.current.api_keys)
    listed = await admin.get("/keys")
    assert plain not in listed.text
    shop = next(key for key in listed.json()["keys"] if key["name"] == "shop")
    assert shop["prefix"].removesuffix("…") == plain[: len(shop["prefix"]) - 1]
    assert len(shop["prefix"]) < len(plain) / 3
    assert (shop["scopes"], shop["owner"], shop["key"]) == (["chat"], "the shop", None)
    async with office.database.unit_of_work() as work:
        assert plain not in repr(await work.audit.newest(100))


async def test_key_limits_are_published(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/keys", json={"name": "shop"})).json()
    key_id, change = made["id"], {"limits": {"tokens_per_day": 500}, "name": "the shop"}
    assert (await admin.patch(f"/keys/{key_id}", json=change)).status_code == 428
    changed = await admin.patch(f"/keys/{key_id}", json={**change, "version": made["version"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] == f'"{changed.json()["version"]}"'
    assert (await admin.patch(f"/keys/{key_id}", json={**change, "version": made["version"]})).status_code == 409
    (key,) = (key for key in office.publisher.current.api_keys if key.id == key_id)
    assert (key.name, key.limits) == ("the shop", KeyLimits(tokens_per_day=500))
    assert (await admin.delete(f"/keys/{key_id}")).status_code == 204
    assert all(key.id != key_id for key in office.publisher.current.api_keys)
    assert (await admin.patch(f"/keys/{key_id}", json={"name": "x", "version": 1})).status_code == 404
    assert (await admin.delete(f"/keys/{key_id}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "limits": {"tokens_per_day": -1}},
        {"name": "x", "limits": {"tokens": 1}},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "2990-01-01T00:00:00"},
    ],
)
async def test_key_with_invalid_fields_is_rejected(admin: httpx.AsyncClient, body: dict[str, object]) -> None:
    before = (await admin.get("/keys")).json()["total"]
    assert (await admin.post("/keys", json=body)).status_code == 400
    assert (await admin.get("/keys")).json()["total"] == before


async def test_key_usage_in_list_and_sums(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    key_id = (await admin.post("/keys", json={"name": "shop"})).json()["id"]
    tallies = tuple(
        UsageCount(
            day=office.usage.current_day(),
            key_id=key,
            source=source,
            route=route,
            requests=1,
            prompt_tokens=10,
            completion_tokens=5,
            audio_seconds=1.5,
        )
        for key, source, route in ((key_id, "api", "local"), (key_id, "api", "speech"), (0, "telegram", "local"))
    )
    report = DoorReport(door="gateway#1", run="a", sequence=1, revision=1, usage=tallies)
    receipts = [await office.report_ingest.accept(report) for _ in range(3)]
    assert {receipt.keys[key_id].tokens for receipt in receipts} == {30}
    shop = next(key for key in (await admin.get("/keys")).json()["keys"] if key["id"] == key_id)
    assert shop["used_today"] == {"requests": 2, "tokens": 30, "audio_seconds": 3.0, "cost": 0.0}
    by_key = (await admin.get("/usage")).json()
    assert [(item["key_id"], item.get("key_name"), item["requests"]) for item in by_key["items"]] == [
        (0, None, 1),
        (key_id, "shop", 2),
    ]
    sums = {"requests": 3, "prompt_tokens": 30, "completion_tokens": 15, "audio_seconds": 4.5, "cost": 0.0}
    assert by_key["totals"] == sums
    split = (await admin.get("/usage", params={"group_by": ["source", "route"]})).json()
    assert [(item["source"], item["route"], item["requests"]) for item in split["items"]] == [
        ("api", "local", 1),
        ("api", "speech", 1),
        ("telegram", "local", 1),
    ]
    assert (await admin.get("/usage", params={"from_day": "2001-01-01", "to_day": "2001-02-01"})).json()["items"] == []


async def test_costs_of_providers_keys_and_conversations(office: OfficeServices, admin: httpx.AsyncClient) -> None:
    day = office.usage.current_day()
    usage = tuple(
        UsageCount(day=day, key_id=key, source="api", route=route, requests=1, cost=cost)
        for key, route, cost in ((1, "cloud:a", 0.5), (2, "cloud:a", 0.25), (2, "cloud:b", 2), (2, "local", 0))
    )
    exchanges = tuple(
        Exchange(
            turn_id=turn,
            session_id=session,
            source_kind="api",
            question="?",
            answer="!",
            route="cloud:a",
            prompt_tokens=3,
            completion_tokens=2,
            cost=cost,
            created_at=datetime.now(UTC),
        )
        for turn, session, cost in (("t1", "s1", 0.5), ("t2", "s1", 0.25), ("t3", "s2", 2), ("t4", "s3", 0))
    )
    report = DoorReport(door="d", run="a", sequence=1, revision=1, usage=usage, exchanges=exchanges)
    receipt = await office.report_ingest.accept(report)
    assert {route: used.cost for route, used in receipt.routes.items()} == {"cloud:a": 0.75, "cloud:b": 2}
    assert {key: used.cost for key, used in receipt.keys.items()} == {1: 0.5, 2: 2.25}
    by_route = (await admin.get("/usage", params={"group_by": ["route", "day"]})).json()
    assert {item["route"]: item["cost"] for item in by_route["items"]} == {"cloud:a": 0.75, "cloud:b": 2, "local": 0}
    assert by_route["totals"]["cost"] == 2.75
    by_session = (await admin.get("/usage/sessions")).json()["items"]
    assert [(item["session_id"], item["answers"], item["cost"]) for item in by_session] == [
        ("s2", 1, 2),
        ("s1", 2, 0.75),
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"from_day": "yesterday"},
        {"from_day": "2026-02-01", "to_day": "2026-01-01"},
        {"from_day": "2020-01-01", "to_day": "2026-01-01"},
        {"group_by": "person"},
        {"to_day": "0001-01-01"},
    ],
)
async def test_usage_range_invalid_is_400(admin: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await admin.get("/usage", params=query)).status_code == 400


async def test_usage_of_restarted_door_counts_again(office: OfficeServices) -> None:
    tally = UsageCount(
        day=office.usage.current_day(), key_id=1, source="api", route="local", requests=1, prompt_tokens=7
    )
    for run in ("first", "second", "second"):
        await office.report_ingest.accept(DoorReport(door="office", run=run, sequence=1, revision=1, usage=(tally,)))
    assert (await office.usage.used_today()).keys[1].tokens == 14
    today = date.fromisoformat(office.usage.current_day())
    assert [(row.requests, row.prompt_tokens) for row in await office.usage.sums(today, today, ())] == [(2, 14)]
