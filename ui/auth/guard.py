"""The guard in front of every page, asset and socket of the panel: nothing passes without a login, but the login."""

from urllib.parse import urlencode

from nicegui import __version__
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.administration.auth.client_addresses import bound_client_address
from deployments.contracts.errors import SecretaryError
from ui.auth.headers import SecurityHeadersSend
from ui.auth.origin import passes_origin_check
from ui.auth.panel_sessions import PanelSession, PanelSessions

LOGIN_PATH, PASSWORD_PATH, LOGOUT_PATH = "/login", "/password", "/logout"
SESSION_TOKEN_KEY = "login"  # noqa: S105 - the name of a field, not a secret
SOCKET_PATH = "/_nicegui_ws/"

_PUBLIC_PATHS = frozenset({LOGIN_PATH, "/favicon.ico"})
_PUBLIC_FOLDERS = ("/assets/", f"/_nicegui/{__version__}/static/fonts")
_PATHS_WITH_OLD_PASSWORD = frozenset({PASSWORD_PATH, LOGOUT_PATH})


def inner_path(scope: Scope) -> str:
    """The path inside the panel, "/chat" for "/admin/ui/chat"."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return (path[len(root) :] if path.startswith(root) else path) or "/"


def session_of(connection: HTTPConnection, sessions: PanelSessions) -> PanelSession | None:
    """The login that the cookie of ``connection`` names."""
    return sessions.get(connection.session.get(SESSION_TOKEN_KEY))


class PanelGuard:
    """Middleware inside the session middleware. ``secure`` says that the panel is served over TLS only."""

    def __init__(self, app: ASGIApp, sessions: PanelSessions, *, secure: bool) -> None:
        self._app = app
        self._sessions = sessions
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._guard_socket(scope, receive, send)
        elif scope["type"] == "http":
            hardened = SecurityHeadersSend(send, secure=self._secure)
            refusal = self._refusal(scope)
            with bound_client_address(scope):
                await _refusing(refusal or self._app, scope, receive, hardened)
        else:
            await self._app(scope, receive, send)

    async def _guard_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = session_of(HTTPConnection(scope), self._sessions)
        if session is None or session.must_change_password or not passes_origin_check(scope, socket=True):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
            return
        with bound_client_address(scope):
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = inner_path(scope)
        if not passes_origin_check(scope, socket=path.startswith(SOCKET_PATH)):
            return PlainTextResponse("this request comes from another site", 403)
        if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDERS):
            return None
        session = session_of(HTTPConnection(scope), self._sessions)
        if session is None:
            return _refused(scope, LOGIN_PATH, "log in first")
        if session.must_change_password and path not in _PATHS_WITH_OLD_PASSWORD:
            return _refused(scope, PASSWORD_PATH, "change your password first")
        return None


async def _refusing(app: ASGIApp, scope: Scope, receive: Receive, send: SecurityHeadersSend) -> None:
    """A body that is too large or does not come is answered, as long as nothing else was; it is no bug for the log."""
    try:
        await app(scope, receive, send)
    except SecretaryError as error:
        if send.response_started:
            raise
        await PlainTextResponse(error.message, error.status)(scope, receive, send)


def _refused(scope: Scope, page: str, reason: str) -> Response:
    """A person is led to ``page`` and comes back afterwards; a program is told why."""
    wants_page = scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")
    if not wants_page:
        return PlainTextResponse(reason, 401)
    path = inner_path(scope)
    query = f"?{urlencode({'next': path})}" if path != "/" else ""
    return RedirectResponse(f"{scope.get('root_path', '')}{page}{query}", 303)
