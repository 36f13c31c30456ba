"""Middleware that requires a login for every page, asset and websocket of the panel except the login page."""

from urllib.parse import urlencode

from nicegui import __version__
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.administration.auth.client_addresses import bound_client_address
from deployments.contracts.errors import SecretaryError
from ui.auth.headers import SecurityHeadersSend
from ui.auth.origin import passes_origin_check
from ui.auth.panel_sessions import ENDED, PanelSession, PanelSessions
from ui.installable_app import MANIFEST_PATH, WORKER_PATH
from ui.root_path import inner_path

LOGIN_PATH, PASSWORD_PATH, LOGOUT_PATH = "/login", "/password", "/logout"
SESSION_TOKEN_KEY = "login"  # noqa: S105 - the name of a field, not a secret
SOCKET_PATH = "/_nicegui_ws/"
_CLIENT_GONE = 499

_PUBLIC_PATHS = frozenset({LOGIN_PATH, "/favicon.ico", MANIFEST_PATH, WORKER_PATH})
_PUBLIC_PREFIXES = ("/assets/", f"/_nicegui/{__version__}/static/fonts")
_PATHS_BEFORE_PASSWORD_CHANGE = frozenset({PASSWORD_PATH, LOGOUT_PATH})


def requested_path(scope: Scope) -> str:
    """The inner path with its query: "/faq?page=2"."""
    query = scope.get("query_string", b"").decode("ascii", "ignore")
    return f"{inner_path(scope)}?{query}" if query else inner_path(scope)


def login_query(path: str, reason: str = "") -> str:
    """The query of the login page that leads back to ``path`` and says why a login is needed."""
    values = {"next": path if path != "/" else "", "reason": reason}
    query = urlencode({name: value for name, value in values.items() if value})
    return f"?{query}" if query else ""


def session_of(connection: HTTPConnection, sessions: PanelSessions) -> PanelSession | None:
    """The session of the cookie of ``connection``; None when there is none."""
    return sessions.get(connection.session.get(SESSION_TOKEN_KEY))


class PanelGuard:
    """ASGI middleware inside the session middleware. ``secure`` means that the panel is served over TLS only."""

    def __init__(self, app: ASGIApp, sessions: PanelSessions, *, secure: bool) -> None:
        self._app = app
        self._sessions = sessions
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._handle_websocket(scope, receive, send)
        elif scope["type"] == "http":
            secured_send = SecurityHeadersSend(send, secure=self._secure)
            error_response = self._error_response(scope)
            with bound_client_address(scope):
                await _call_with_error_response(error_response or self._app, scope, receive, secured_send)
        else:
            await self._app(scope, receive, send)

    async def _handle_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = session_of(HTTPConnection(scope), self._sessions)
        if session is None or session.must_change_password or not passes_origin_check(scope, socket=True):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
            return
        with bound_client_address(scope):
            await self._app(scope, receive, send)

    def _error_response(self, scope: Scope) -> Response | None:
        path = inner_path(scope)
        if not passes_origin_check(scope, socket=path.startswith(SOCKET_PATH)):
            return PlainTextResponse("this request comes from another site", 403)
        if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_PREFIXES):
            return None
        session = session_of(HTTPConnection(scope), self._sessions)
        if session is None:
            had_session = SESSION_TOKEN_KEY in HTTPConnection(scope).session
            return _unauthorized_response(scope, LOGIN_PATH, "log in first", ENDED if had_session else "")
        if session.must_change_password and path not in _PATHS_BEFORE_PASSWORD_CHANGE:
            return _unauthorized_response(scope, PASSWORD_PATH, "change your password first")
        return None


async def _call_with_error_response(app: ASGIApp, scope: Scope, receive: Receive, send: SecurityHeadersSend) -> None:
    """Calls ``app`` and answers a SecretaryError, such as a body that is too large, if no response has started. A
    client that disconnects gets a response too, because Starlette's middleware requires one."""
    try:
        await app(scope, _unwrap_groups(receive), send)
    except SecretaryError as error:
        if send.response_started:
            raise
        await PlainTextResponse(error.message, error.status)(scope, receive, send)
    except ClientDisconnect:
        if not send.response_started:
            await Response(status_code=_CLIENT_GONE)(scope, receive, send)


def _unwrap_groups(receive: Receive) -> Receive:
    """Raises the one error of an ExceptionGroup: each BaseHTTPMiddleware wraps the errors of ``receive`` into one."""

    async def unwrapped() -> Message:
        try:
            return await receive()
        except ExceptionGroup as group:
            error: Exception = group
            while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            raise error from None

    return unwrapped


def _unauthorized_response(scope: Scope, page: str, message: str, reason: str = "") -> Response:
    """Redirects a browser to ``page`` with the way back. Other clients get status 401 with ``message``."""
    accepts_html = scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")
    if not accepts_html:
        return PlainTextResponse(message, 401)
    query = login_query(requested_path(scope), reason if page == LOGIN_PATH else "")
    return RedirectResponse(f"{scope.get('root_path', '')}{page}{query}", 303)
