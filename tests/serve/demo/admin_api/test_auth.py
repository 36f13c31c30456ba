"""/admin/auth on the running secretary."""

import httpx

from tests.serve.admin_client import AdminClient, error_of, json_of


def as_bearer(office: AdminClient, token: str) -> httpx.Response:
    return office.http.get("/auth/me", headers={"authorization": f"Bearer {token}"})


def test_post_login(office: AdminClient) -> None:
    signed_in = office.login()
    assert (signed_in["token_type"], as_bearer(office, signed_in["access_token"]).status_code) == ("bearer", 200)
    assert signed_in["expires_in"] > 60
    wrong = office.http.post("/auth/login", json={"username": "admin", "password": "not the password"})
    assert error_of(wrong)[0] == 401
    newest = office.get("/audit/logs", action="login", limit=1)["logs"][0]
    assert (newest["user_id"], newest["resource"]) == ("admin", "auth")


def test_get_me(office: AdminClient) -> None:
    assert office.get("/auth/me") == {"username": "admin", "role": "admin", "must_change_password": False}
    assert as_bearer(office, f"{office.token}x").status_code == 401


def test_get_status(office: AdminClient) -> None:
    open_to_all = httpx.get(f"{office.secretary.url}/admin/auth/status")
    status = json_of(open_to_all)
    assert status["enabled"] is True
    assert status["jwt_expiration_hours"] * 3_600 == office.login()["expires_in"]
    assert "admin" not in open_to_all.text


def test_post_refresh(office: AdminClient) -> None:
    first = office.login()
    second = office.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert as_bearer(office, second["access_token"]).status_code == 200
    again = office.http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert error_of(again)[0] == 401


def test_post_logout(office: AdminClient) -> None:
    token = office.login()["access_token"]
    gone = office.http.post("/auth/logout", headers={"authorization": f"Bearer {token}"})
    assert gone.status_code == 204
    assert as_bearer(office, token).status_code == 401
    assert as_bearer(office, office.token).status_code == 200
