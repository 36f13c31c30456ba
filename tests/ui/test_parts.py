"""Parts of the panel that need no browser."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.administration.auth.accounts import Account
from deployments.administration.office.report_ingest import DoorState, StageLatencyPoint
from deployments.contracts.errors import TooLarge
from deployments.contracts.events import AnswerMatch, AnswerMatched, TextDelta, Timings, TurnFailed, TurnFinished
from deployments.contracts.speech import EngineStatus
from ui.auth.guard import PanelGuard
from ui.auth.login import safe_redirect_path
from ui.auth.origin import passes_origin_check, same_origin
from ui.auth.panel_sessions import PanelSessions
from ui.components.faq_editor import parse_lines, parse_words
from ui.components.latency_card import latency_series, stage_tiles
from ui.components.panel_answer import PanelAnswer, failure_text, origin_text, timing_texts
from ui.panel import session_cookie_options
from ui.panel_overview import PanelOverview, SystemHealth
from ui.root_path import with_root_path
from ui.translations import Translator

T = Translator("en")


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
    [("/chat", "/chat"), ("//evil.example", "/"), ("https://x", "/"), ("/\\x", "/"), ("/a?b", "/"), ("", "/")],
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


def test_answer_keeps_text_received_before_failure() -> None:
    answer = PanelAnswer()
    for event in (TextDelta("Half "), TextDelta("said"), TurnFailed("engine_timeout", "", True)):
        answer.apply(event)
    assert answer.text == "Half said"
    assert failure_text(answer, T) == "The engine did not answer in time."


def test_answer_formats_source_and_times() -> None:
    match = AnswerMatch(3, "Hi", "en", "ranked", 91.4, "hello")
    answer = PanelAnswer()
    answer.apply(AnswerMatched(match))
    assert origin_text(answer, T) == "Answer 3 · similar question · 91 · “hello”"
    model = PanelAnswer(finished=TurnFinished(route="cloud:gemini", model="gemini-2.5-flash"))
    assert origin_text(model, T) == "gemini · gemini-2.5-flash"
    assert timing_texts(Timings(first_token_ms=1_500, total_ms=2_000), T) == ("first word 1.50 s", "total 2.00 s")


def test_lines_and_words_are_parsed() -> None:
    assert parse_lines(" one \n\n two") == ("one", "two")
    assert parse_words("a, b,, c\nd") == ("a", "b", "c", "d")
    assert parse_words(None) == ()


NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def engine(*, ready: bool, error: str = "") -> EngineStatus:
    return EngineStatus("llm", "chat", "llama.cpp", ready, error=error)


@pytest.mark.parametrize(
    ("engines", "health"),
    [
        (None, SystemHealth.DOWN),
        ((), SystemHealth.DOWN),
        ((engine(ready=False),), SystemHealth.DOWN),
        ((engine(ready=True), engine(ready=False)), SystemHealth.DEGRADED),
        ((engine(ready=True),), SystemHealth.OK),
        ((engine(ready=True), engine(ready=True, error="out of memory")), SystemHealth.DEGRADED),
        ((engine(ready=True, error="out of memory"),), SystemHealth.DEGRADED),
    ],
)
def test_overview_health(engines: tuple[EngineStatus, ...] | None, health: SystemHealth) -> None:
    assert PanelOverview(engines, (), (), 1, NOW).health is health


def test_overview_ignores_silent_doors() -> None:
    fresh = DoorState("gateway#1", 42, 2, NOW - timedelta(seconds=3))
    behind = DoorState("gateway#2", 41, 1, NOW - timedelta(seconds=3))
    silent = DoorState("gateway#3", 40, 5, NOW - timedelta(minutes=2))
    overview = PanelOverview((), (fresh, behind, silent), (), 42, NOW)
    assert overview.live_doors == (fresh, behind)
    assert overview.up_to_date_door_count == 1
    assert overview.live_stream_count == 3


def test_latency_tiles_show_newest_busiest_route() -> None:
    points = (
        StageLatencyPoint(NOW, "total", "local", 900, 1_200, 3),
        StageLatencyPoint(NOW, "first_token", "cloud:x", 500, 700, 1),
        StageLatencyPoint(NOW, "first_token", "local", 150, 300, 9),
    )
    assert [(tile.stage, tile.p50_ms, tile.selected) for tile in stage_tiles(points, "total")] == [
        ("first_token", 150, False),
        ("total", 900, True),
    ]
    assert [line["name"] for line in latency_series(points, "first_token", T)] == [
        "x",
        "x, p95",
        "local model",
        "local model, p95",
    ]
