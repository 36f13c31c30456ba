"""Routes of ``/auth``: login, refresh, logout, passwords, lockout and their audit events."""

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


async def post_login(client: httpx.AsyncClient, username: str = "admin", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/auth/login", json={"username": username, "password": password})


def bearer(reply: httpx.Response) -> dict[str, str]:
    return {"authorization": f"Bearer {reply.json()['access_token']}"}


async def me(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/auth/me", headers=headers)).status_code


async def test_login_returns_working_tokens(client: httpx.AsyncClient) -> None:
    reply = await post_login(client)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    tokens = reply.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["must_change_password"]) == ("bearer", 900, False)
    seen = await client.get("/auth/me", headers=bearer(reply))
    assert seen.json() == {"username": "admin", "role": "admin", "must_change_password": False}
    assert (await client.get("/settings", headers=bearer(reply))).status_code == 200


async def test_status_is_public_and_names_no_user(client: httpx.AsyncClient) -> None:
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
async def test_login_with_invalid_body_is_400_without_password(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    reply = await client.post("/auth/login", json=body)
    assert reply.status_code == 400
    assert "topsecret" not in reply.text


async def test_login_failures_lock_address_and_are_audited(office: OfficeServices, client: httpx.AsyncClient) -> None:
    statuses = [(await post_login(client, password="wrong")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    locked = await post_login(client)
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 100
    async with admin_client(office, office_only_routers, "", real_tokens=True, address="192.0.2.8") as elsewhere:
        assert (await post_login(elsewhere)).status_code == 200
    async with office.database.unit_of_work() as work:
        events = await work.audit.newest(10)
    assert [(event.action, event.address) for event in events[:2]] == [
        ("login", "192.0.2.8"),
        ("login_failed", "192.0.2.7"),
    ]


async def test_refresh_rotates_tokens_and_logout_ends_them(client: httpx.AsyncClient) -> None:
    first = await post_login(client)
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
async def test_refresh_with_invalid_token_is_401(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.post("/auth/refresh", json={"refresh_token": token})).status_code == 401


async def test_token_in_query_string_is_ignored(client: httpx.AsyncClient) -> None:
    token = (await post_login(client)).json()["access_token"]
    assert (await client.get(f"/auth/me?access_token={token}&token={token}")).status_code == 401


async def test_password_change_ends_other_sign_ins(office: OfficeServices, client: httpx.AsyncClient) -> None:
    notified: list[str] = []
    office.accounts.subscribe(notified.append)
    here, there = await post_login(client), await post_login(client)
    change = {"old": PASSWORD, "new": "an even better horse"}
    changed = await client.post("/auth/password", json=change, headers=bearer(here))
    assert changed.status_code == 200
    assert notified == ["admin"]
    assert [await me(client, bearer(reply)) for reply in (here, there, changed)] == [401, 401, 200]
    assert (await post_login(client)).status_code == 401
    assert (await post_login(client, password="an even better horse")).status_code == 200


async def test_password_change_in_panel_ends_tokens(office: OfficeServices, client: httpx.AsyncClient) -> None:
    reply = await post_login(client)
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
async def test_password_change_rejected_changes_nothing(
    client: httpx.AsyncClient, change: dict[str, str], status: int
) -> None:
    reply = await post_login(client)
    refused = await client.post("/auth/password", json=change, headers=bearer(reply))
    assert refused.status_code == status
    assert PASSWORD not in refused.text
    assert await me(client, bearer(reply)) == 200


async def test_temporary_password_allows_only_its_change(office: OfficeServices, client: httpx.AsyncClient) -> None:
    admin = await post_login(client)
    made = await client.post("/users", json={"username": "Anna", "role": "operator"}, headers=bearer(admin))
    assert made.status_code == 201
    first = await post_login(client, "anna", made.json()["password"])
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
def test_client_address_is_canonical(client: tuple[str, int] | None, address: str) -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1")]
    assert client_address({"client": client, "headers": headers}) == address
