"""Authentication without a browser: origin checks, redirects, sessions, cookies and the guard."""

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.administration.auth.accounts import Account
from deployments.contracts.errors import TooLarge
from ui.auth.guard import PanelGuard
from ui.auth.login import safe_redirect_path
from ui.auth.origin import passes_origin_check, same_origin
from ui.auth.panel_sessions import PanelSessions
from ui.panel import session_cookie_options
from ui.root_path import with_root_path


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://a.example", "a.example", True),
        ("https://a.example", "a.example:443", True),
        ("http://a.example:8002", "a.example:8002", True),
        ("https://A.example", "a.example", True),
        ("http://a.example", "a.example:8002", False),
        ("http://a.example.evil.example", "a.example", False),
        ("http://a.example@evil.example", "a.example", False),
        ("null", "a.example", False),
        ("file://a.example", "a.example", False),
        ("http://[::1]:80", "[::1]", True),
        ("http://a.example:x", "a.example", False),
    ],
)
def test_same_origin(origin: str, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same


@pytest.mark.parametrize(
    ("method", "headers", "socket", "allowed"),
    [
        ("GET", {}, False, True),
        ("GET", {"origin": "https://evil.example"}, False, True),
        ("GET", {"origin": "https://evil.example"}, True, False),
        ("GET", {"sec-fetch-site": "cross-site"}, True, False),
        ("GET", {"sec-fetch-site": "same-origin"}, True, True),
        ("POST", {}, False, False),
        ("POST", {"origin": "http://a.example"}, False, True),
        ("POST", {"origin": "null"}, False, False),
    ],
)
def test_origin_check(method: str, headers: dict[str, str], socket: bool, allowed: bool) -> None:
    raw = [(k.encode(), v.encode()) for k, v in (headers | {"host": "a.example"}).items()]
    assert passes_origin_check({"type": "http", "method": method, "headers": raw}, socket=socket) is allowed


@pytest.mark.parametrize(
    ("path", "root", "full"),
    [
        ("/ui/chat", "/admin", "/admin/ui/chat"),
        ("/admin/ui/chat", "/admin", "/admin/ui/chat"),
        ("/admin", "/admin", "/admin"),
        ("/administration", "/admin", "/admin/administration"),
        ("/ui", "", "/ui"),
    ],
)
def test_root_path_is_restored(path: str, root: str, full: str) -> None:
    assert with_root_path(path, root) == full


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/chat", "/chat"),
        ("//evil.example", "/"),
        ("https://x", "/"),
        ("/\\x", "/"),
        ("/a?b=1&c=%D1%87", "/a?b=1&c=%D1%87"),
        ("/a?b\\c", "/"),
        ("/a?b\r\nc", "/"),
        ("/a?b#c", "/"),
        ("?//x", "/"),
        ("", "/"),
    ],
)
def test_redirect_path_stays_inside_panel(path: str, target: str) -> None:
    assert safe_redirect_path(path) == target


def test_session_expires_and_closes_its_pages() -> None:
    now = [0.0]
    sessions = PanelSessions(lifetime_s=10, clock=lambda: now[0])
    session = sessions.open(Account("anna", "admin"))
    left: list[str] = []
    session.on_close.add(lambda: left.append("gone"))
    assert sessions.get(session.token) is session
    now[0] = 10
    assert sessions.get(session.token) is None
    assert left == ["gone"]
    assert session.token not in repr(session)


def test_cookie_has_host_prefix_over_tls() -> None:
    cookie = session_cookie_options(secure=True)
    assert cookie["session_cookie"] == "__Host-secretary"
    assert cookie["https_only"] is True
    assert session_cookie_options(secure=False)["same_site"] == "lax"


@pytest.mark.parametrize(("secure", "header"), [(True, "max-age=31536000"), (False, None)])
async def test_guard_sends_hsts_only_over_tls(secure: bool, header: str | None) -> None:
    reply = await post_login(PlainTextResponse("hello"), secure=secure)
    assert reply.headers.get("strict-transport-security") == header


async def test_guard_answers_body_that_is_too_large() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        raise TooLarge("the form is too large")

    reply = await post_login(reads)
    assert (reply.status_code, reply.text) == (413, "the form is too large")
    assert reply.headers["x-frame-options"] == "DENY"


async def test_guard_ends_request_of_disconnected_client() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    assert (await post_login(reads)).status_code == 499


async def post_login(app: ASGIApp, *, secure: bool = False) -> httpx.Response:
    """The response to a login request with ``app`` behind the guard."""
    guard = PanelGuard(app, PanelSessions(), secure=secure)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://panel") as client:
        return await client.post("/login", headers={"origin": "http://panel"})


def test_close_all_of_ends_sessions_of_one_user() -> None:
    sessions = PanelSessions()
    mine, other, stranger = (sessions.open(Account(name, "admin")) for name in ("anna", "anna", "boris"))
    sessions.close_all_of("anna")
    assert sessions.get(mine.token) is None
    assert sessions.get(other.token) is None
    assert sessions.get(stranger.token) is stranger


def test_sign_ins_of_one_user_end_only_their_own_sessions() -> None:
    sessions = PanelSessions()
    boss = sessions.open(Account("boss", "admin"))
    tokens = [sessions.open(Account("viewer", "viewer")).token for _ in range(1_000)]
    assert sessions.get(boss.token) is boss
    kept = [token for token in tokens if sessions.get(token)]
    assert kept == tokens[-20:]


def test_full_office_ends_a_session_of_the_heaviest_user() -> None:
    sessions = PanelSessions()
    single = [sessions.open(Account(f"single{n}", "viewer")).token for n in range(995)]
    pair = [sessions.open(Account("pair", "viewer")).token for _ in range(5)]
    sessions.open(Account("next", "viewer"))
    assert all(sessions.get(token) for token in single)
    assert [bool(sessions.get(token)) for token in pair] == [False, True, True, True, True]
