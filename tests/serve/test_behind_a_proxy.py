"""With a proxy in front that is trusted: callers keep their addresses, and the panel keeps to TLS."""

import httpx

from tests.serve.admin_client import AdminClient
from tests.serve.secretary_process import PASSWORD, SecretaryProcess

CALLER = "198.51.100.7"


def test_the_caller_behind_the_proxy_stands_in_the_audit_trail(scripted: SecretaryProcess) -> None:
    headers = {"x-forwarded-for": f"6.6.6.6, {CALLER}"}
    wrong = {"username": "nobody-here", "password": "a wrong password"}
    with AdminClient(scripted) as office:
        assert httpx.post(f"{scripted.url}/admin/auth/login", json=wrong, headers=headers).status_code == 401
        events = office.get("/audit/logs", limit=50)["logs"]
    assert CALLER in {event["user_ip"] for event in events}
    assert "6.6.6.6" not in {event["user_ip"] for event in events}


def test_the_panel_of_an_https_address_keeps_its_cookie_to_tls(scripted: SecretaryProcess) -> None:
    page = f"{scripted.url}/admin/ui/login"
    assert httpx.get(page).headers["strict-transport-security"] == "max-age=31536000"
    form = {"username": "admin", "password": PASSWORD}
    entered = httpx.post(page, data=form, headers={"origin": "https://secretary.example", "host": "secretary.example"})
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].lower()
    assert cookie.startswith("__host-secretary=")
    assert "secure" in cookie
