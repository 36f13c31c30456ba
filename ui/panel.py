"""Mounts the panel on a FastAPI application: pages, login, assets and the guard, with one session cookie."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from nicegui import app as nicegui_app
from nicegui import background_tasks, ui
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from deployments.contracts.errors import NotFound
from deployments.contracts.identity import Role
from ui.attention import AttentionCache
from ui.auth.guard import LOGIN_PATH, PanelGuard, login_query, requested_path, session_of
from ui.auth.login import LoginPages
from ui.auth.panel_sessions import ENDED, SESSION_LIFETIME_S, PanelSession, PanelSessions
from ui.components.logo import LOGO_SVG
from ui.context import PanelContext
from ui.handler_signatures import remember_handler_signatures
from ui.installable_app import MANIFEST_PATH, serve_installable_app
from ui.panel_overview import OverviewCache
from ui.panel_services import PanelServices
from ui.preferences import preferences_of
from ui.root_path import RootPathMiddleware
from ui.shared_readings import SharedReadings
from ui.shell import build_shell
from ui.static_delivery import StaticDelivery
from ui.style_sheet import STYLE_SHEET_PATH, serve_style_sheet
from ui.translations import Translator

LEAVE_DELAY_S = 0.3
EXPIRY_CHECK_INTERVAL_S = 30.0
PING_TIMEOUT_BASE_S = 10.0
"""NiceGUI derives its ping timeout from this. Its default of 3 s drops connections, and clicks, on a busy machine."""
RECONNECT_TIMEOUT_S = 120.0
"""How long a page without a connection is kept, with the text that is being written in it."""
_PAGE_TIMEOUT_S = 15.0
"""NiceGUI answers 500 when a page takes longer; its default of 3 s is too short on a machine at work."""
_ASSETS = Path(__file__).parent / "assets"


def mount_panel(
    app: FastAPI,
    services: PanelServices,
    *,
    mount_path: str = "/ui",
    storage_secret: str,
    secure_cookie: bool = False,
    refresh_interval_s: float = 5.0,
    overview_max_age_s: float = 2.0,
) -> None:
    """Serves the panel at ``mount_path`` of ``app`` and redirects "/" of ``app`` to it.

    ``storage_secret`` signs the session cookie. Set ``secure_cookie`` when the panel is served over TLS only. An open
    dashboard is refreshed every ``refresh_interval_s``; the engines are asked at most once in ``overview_max_age_s``.
    NiceGUI supports one application in a process: call this once, before the application starts.
    """
    remember_handler_signatures()
    sessions = PanelSessions()
    services.accounts.subscribe(sessions.close_all_of)
    _redirect_to_panel(app, mount_path)
    app.add_middleware(RootPathMiddleware)
    LoginPages(services.accounts, sessions, services.office.start_guide).mount(nicegui_app)
    version = _assets_version()
    serve_style_sheet(nicegui_app, _ASSETS, version)
    nicegui_app.mount("/assets", StaticFiles(directory=_ASSETS), name="panel-assets")
    nicegui_app.add_middleware(StaticDelivery)
    nicegui_app.add_middleware(PanelGuard, sessions=sessions, secure=secure_cookie)
    serve_installable_app(nicegui_app, _ASSETS, version)
    nicegui_app.config.quasar_config["loadingBar"]["skipHijack"] = True  # it has no name for screen readers
    overview = OverviewCache(services, max_age_s=overview_max_age_s)
    attention = AttentionCache(services, overview, max_age_s=2 * refresh_interval_s)
    readings = SharedReadings(services, max_age_s=overview_max_age_s)

    def root(request: Request) -> Awaitable[Response | None]:
        ui.context.client.page.response_timeout = _PAGE_TIMEOUT_S
        return _open_page(request, services, overview, attention, readings, sessions, version, refresh_interval_s)

    ui.run_with(
        app,
        root=root,
        mount_path=mount_path,
        title="",
        favicon=LOGO_SVG,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=PING_TIMEOUT_BASE_S,
        storage_secret=storage_secret,
        session_middleware_kwargs=session_cookie_options(secure=secure_cookie),
    )


def session_cookie_options(*, secure: bool) -> dict[str, object]:
    """Options of Starlette's session middleware. With the prefix ``__Host-`` browsers accept the cookie only when it is
    Secure and bound to one host."""
    return {
        "session_cookie": "__Host-secretary" if secure else "secretary_panel",
        "max_age": int(SESSION_LIFETIME_S),
        "same_site": "lax",
        "https_only": secure,
    }


def _redirect_to_panel(app: FastAPI, mount_path: str) -> None:
    async def to_panel(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}{mount_path}/", 307)

    for path in ("/", mount_path):
        app.add_api_route(path, to_panel, methods=["GET", "HEAD"], include_in_schema=False)


def _assets_version() -> str:
    """A hash of all assets, so that browsers fetch changed style sheets after an update."""
    digest = hashlib.sha256()
    for path in sorted(path for path in _ASSETS.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def _open_page(
    request: Request,
    services: PanelServices,
    overview: OverviewCache,
    attention: AttentionCache,
    readings: SharedReadings,
    sessions: PanelSessions,
    version: str,
    refresh_interval_s: float,
) -> Response | None:
    root = request.scope.get("root_path", "")
    session = session_of(request, sessions)
    if session is None or not await _is_session_current(services, session):
        sessions.close(session.token if session else None)
        return RedirectResponse(f"{root}{LOGIN_PATH}{login_query(requested_path(request.scope), ENDED)}", 303)
    preferences = preferences_of(request)
    t = Translator(preferences.language)
    client = ui.context.client
    panel = PanelContext(
        services, overview, attention, readings, session, sessions, preferences, t, root, client, refresh_interval_s
    )
    _prepare_document(panel, version)
    _close_page_with_session(panel, sessions)
    build_shell(panel)
    return None


async def _is_session_current(services: PanelServices, session: PanelSession) -> bool:
    """Whether the account still exists and has not changed since the login. Also updates the role of the session."""
    try:
        account = await services.accounts.get(session.username)
    except NotFound:
        return False
    session.role = Role(account.role)
    return account.version == session.version


def _prepare_document(panel: PanelContext, version: str) -> None:
    """Sets language, theme and style sheets of the first HTML document, so that the page does not flicker."""
    page = ui.context.client.page
    page.language = "ru" if panel.t.language == "ru" else "en-US"
    page.dark = panel.preferences.dark
    page.reconnect_timeout = RECONNECT_TIMEOUT_S
    ui.add_head_html(f"<script>document.documentElement.dataset.theme = '{panel.preferences.theme}'</script>")
    ui.add_head_html(f'<link rel="stylesheet" href="{panel.root_path}{STYLE_SHEET_PATH}?{version}">')
    texts = json.dumps({"connectionLost": panel.t("app.connection_lost")})
    ui.add_head_html(f'<script type="application/json" id="panel-texts">{texts}</script>')
    ui.add_head_html(f'<script defer src="{panel.root_path}/assets/shell.js?{version}"></script>')
    ui.add_head_html(f'<link rel="manifest" href="{panel.root_path}{MANIFEST_PATH}?language={panel.t.language}">')
    ui.add_head_html(f'<link rel="apple-touch-icon" href="{panel.root_path}/assets/icons/icon-192.png">')
    ui.add_head_html('<meta name="theme-color" content="#0b7a72">')


def _close_page_with_session(panel: PanelContext, sessions: PanelSessions) -> None:
    """When the session ends, in any window, opens the login page in this one and deletes the NiceGUI client."""
    client = ui.context.client
    session = panel.session

    async def drop() -> None:
        await asyncio.sleep(LEAVE_DELAY_S)
        if not client.is_deleted:
            client.delete()

    def leave() -> None:
        client.open(f"{LOGIN_PATH}{login_query(client.sub_pages_router.current_path, session.end_reason)}")
        background_tasks.create(drop(), name="delete the client of an ended session")

    session.on_close.add(leave)
    client.on_delete(lambda: session.on_close.discard(leave))
    ui.timer(EXPIRY_CHECK_INTERVAL_S, lambda: sessions.get(session.token))
