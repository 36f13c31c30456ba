"""A trusted proxy in front that ends TLS."""

import httpx

from tests.serve.admin_client import AdminClient
from tests.serve.secretary_process import PASSWORD, SecretaryProcess

CALLER = "198.51.100.7"


def test_audit_log_has_address_behind_proxy(secretary: SecretaryProcess, admin: AdminClient) -> None:
    headers = {"x-forwarded-for": f"6.6.6.6, {CALLER}"}
    wrong = {"username": "nobody-here", "password": "a wrong password"}
    assert httpx.post(f"{secretary.url}/admin/auth/login", json=wrong, headers=headers).status_code == 401
    addresses = {event["user_ip"] for event in admin.get("/audit/logs", limit=50)["logs"]}
    assert CALLER in addresses
    assert "6.6.6.6" not in addresses


def test_panel_cookie_is_secure_behind_https(secretary: SecretaryProcess) -> None:
    page = f"{secretary.url}/admin/ui/login"
    assert httpx.get(page).headers["strict-transport-security"] == "max-age=31536000"
    form = {"username": "admin", "password": PASSWORD}
    reply = httpx.post(page, data=form, headers={"origin": "https://secretary.example", "host": "secretary.example"})
    assert reply.status_code == 303
    cookie = reply.headers["set-cookie"].lower()
    assert cookie.startswith("__host-secretary=")
    assert "secure" in cookie
