"""Signing in over HTTP: login, refresh, logout, passwords, lockout and what the trail says of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.auth.client_addresses import client_address
from deployments.administration.office.composition import OfficeServices
from tests.api.admin.admin_client import PASSWORD, admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def client(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, office_only_routers, "", real_tokens=True, address="192.0.2.7") as client:
        yield client


async def log_in(client: httpx.AsyncClient, username: str = "admin", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/auth/login", json={"username": username, "password": password})


def bearer(reply: httpx.Response) -> dict[str, str]:
    return {"authorization": f"Bearer {reply.json()['access_token']}"}


async def me(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/auth/me", headers=headers)).status_code


async def test_a_name_and_a_password_give_tokens_that_open(client: httpx.AsyncClient) -> None:
    reply = await log_in(client)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    tokens = reply.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["must_change_password"]) == ("bearer", 900, False)
    seen = await client.get("/auth/me", headers=bearer(reply))
    assert seen.json() == {"username": "admin", "role": "admin", "must_change_password": False}
    assert (await client.get("/settings", headers=bearer(reply))).status_code == 200


async def test_the_status_names_nobody(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auth/status")).json() == {"enabled": True, "jwt_expiration_hours": 0.25}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "admin"},
        {"username": "", "password": "x"},
        {"username": "a" * 300, "password": "x"},
        {"username": "admin", "password": "topsecret" * 200},
        {"username": 3, "password": "topsecret"},
        {"username": "admin", "password": ["topsecret"]},
    ],
)
async def test_a_login_that_is_none_is_a_bad_request_and_repeats_no_password(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    reply = await client.post("/auth/login", json=body)
    assert reply.status_code == 400
    assert "topsecret" not in reply.text


async def test_failures_lock_an_account_for_an_address_and_leave_a_trace(
    office: OfficeServices, client: httpx.AsyncClient
) -> None:
    statuses = [(await log_in(client, password="wrong")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    locked = await log_in(client)
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 100
    async with admin_client(office, office_only_routers, "", real_tokens=True, address="192.0.2.8") as elsewhere:
        assert (await log_in(elsewhere)).status_code == 200
    async with office.database.unit_of_work() as work:
        trail = await work.audit.newest(10)
    assert [(event.action, event.address) for event in trail[:2]] == [
        ("login", "192.0.2.8"),
        ("login_failed", "192.0.2.7"),
    ]


async def test_refresh_gives_another_pair_and_logout_ends_both(client: httpx.AsyncClient) -> None:
    first = await log_in(client)
    second = await client.post("/auth/refresh", json={"refresh_token": first.json()["refresh_token"]})
    assert second.status_code == 200
    assert await me(client, bearer(second)) == 200
    assert (await client.post("/auth/logout", headers=bearer(second))).status_code == 204
    assert await me(client, bearer(second)) == 401
    assert await me(client, bearer(first)) == 401
    again = await client.post("/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert again.status_code == 401
    assert again.json()["error"]["code"] == "invalid_token"


@pytest.mark.parametrize("token", ["x", "a" * 43, "й" * 43, "' OR 1=1 --"])
async def test_a_refresh_token_that_is_none_is_refused(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.post("/auth/refresh", json={"refresh_token": token})).status_code == 401


async def test_a_token_in_the_address_does_not_count(client: httpx.AsyncClient) -> None:
    token = (await log_in(client)).json()["access_token"]
    assert (await client.get(f"/auth/me?access_token={token}&token={token}")).status_code == 401


async def test_a_new_password_ends_every_other_sign_in_and_is_told_to_the_panel(
    office: OfficeServices, client: httpx.AsyncClient
) -> None:
    told: list[str] = []
    office.accounts.subscribe(told.append)
    here, there = await log_in(client), await log_in(client)
    change = {"old": PASSWORD, "new": "an even better horse"}
    changed = await client.post("/auth/password", json=change, headers=bearer(here))
    assert changed.status_code == 200
    assert told == ["admin"]
    assert [await me(client, bearer(reply)) for reply in (here, there, changed)] == [401, 401, 200]
    assert (await log_in(client)).status_code == 401
    assert (await log_in(client, password="an even better horse")).status_code == 200


async def test_a_password_changed_in_the_panel_ends_the_tokens(
    office: OfficeServices, client: httpx.AsyncClient
) -> None:
    reply = await log_in(client)
    await office.accounts.change_password("admin", PASSWORD, "an even better horse")
    assert await me(client, bearer(reply)) == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"old": "wrong", "new": "an even better horse"}, 401),
        ({"old": PASSWORD, "new": "short"}, 400),
        ({"old": PASSWORD, "new": PASSWORD}, 400),
        ({"old": PASSWORD}, 400),
    ],
)
async def test_a_password_that_cannot_be_changed_changes_nothing(
    client: httpx.AsyncClient, change: dict[str, str], status: int
) -> None:
    reply = await log_in(client)
    refused = await client.post("/auth/password", json=change, headers=bearer(reply))
    assert refused.status_code == status
    assert PASSWORD not in refused.text
    assert await me(client, bearer(reply)) == 200


async def test_a_first_password_opens_only_its_own_change(office: OfficeServices, client: httpx.AsyncClient) -> None:
    admin = await log_in(client)
    made = await client.post("/users", json={"username": "Anna", "role": "operator"}, headers=bearer(admin))
    assert made.status_code == 201
    first = await log_in(client, "anna", made.json()["password"])
    assert first.json()["must_change_password"] is True
    assert (await client.get("/faq", headers=bearer(first))).json()["error"]["code"] == "password_change_required"
    change = {"old": made.json()["password"], "new": "a password of anna"}
    own = await client.post("/auth/password", json=change, headers=bearer(first))
    assert own.json()["must_change_password"] is False
    assert (await client.get("/settings", headers=bearer(own))).status_code == 200
    assert (await client.get("/users", headers=bearer(own))).status_code == 403


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:DB8:0:0::1", 1), "2001:db8::1"),
        (("fe80::1%eth0", 0), "fe80::1"),
        (("testclient", 1), "testclient"),
        (("x" * 100, 1), "x" * 45),
        (None, ""),
    ],
)
def test_addresses_have_one_form(client: tuple[str, int] | None, address: str) -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1")]
    assert client_address({"client": client, "headers": headers}) == address
