"""/admin/auth on the running secretary."""

import httpx

from tests.serve.admin_client import AdminClient, error_of, json_of


def as_bearer(admin: AdminClient, token: str) -> httpx.Response:
    return admin.http.get("/auth/me", headers={"authorization": f"Bearer {token}"})


def test_post_login(admin: AdminClient) -> None:
    signed_in = admin.login()
    assert (signed_in["token_type"], as_bearer(admin, signed_in["access_token"]).status_code) == ("bearer", 200)
    assert signed_in["expires_in"] > 60
    wrong = admin.http.post("/auth/login", json={"username": "admin", "password": "not the password"})
    assert error_of(wrong)[0] == 401
    newest = admin.get("/audit/logs", action="login", limit=1)["logs"][0]
    assert (newest["user_id"], newest["resource"]) == ("admin", "auth")


def test_get_me(admin: AdminClient) -> None:
    assert admin.get("/auth/me") == {"username": "admin", "role": "admin", "must_change_password": False}
    assert as_bearer(admin, f"{admin.token}x").status_code == 401


def test_get_status(admin: AdminClient) -> None:
    open_to_all = httpx.get(f"{admin.secretary.url}/admin/auth/status")
    status = json_of(open_to_all)
    assert status["enabled"] is True
    assert status["jwt_expiration_hours"] * 3_600 == admin.login()["expires_in"]
    assert "admin" not in open_to_all.text


def test_post_refresh(admin: AdminClient) -> None:
    first = admin.login()
    second = admin.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert as_bearer(admin, second["access_token"]).status_code == 200
    again = admin.http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert error_of(again)[0] == 401


def test_post_logout(admin: AdminClient) -> None:
    token = admin.login()["access_token"]
    gone = admin.http.post("/auth/logout", headers={"authorization": f"Bearer {token}"})
    assert gone.status_code == 204
    assert as_bearer(admin, token).status_code == 401
    assert as_bearer(admin, admin.token).status_code == 200
