"""Login, logout and change of password as HTML forms. The session cookie is HttpOnly."""

import re
import uuid

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from deployments.administration.auth.accounts import Account, Accounts
from deployments.administration.auth.client_addresses import client_address
from deployments.administration.auth.passwords import MIN_PASSWORD_LENGTH
from deployments.administration.office.start_guide import StartGuide
from deployments.contracts.errors import InvalidRequest, NotFound, SecretaryError, Unauthorized
from deployments.contracts.identity import Role
from ui.auth.browser_names import browser_name
from ui.auth.forms import read_form
from ui.auth.guard import LOGIN_PATH, LOGOUT_PATH, PASSWORD_PATH, SESSION_TOKEN_KEY, login_query, session_of
from ui.auth.headers import SCRIPTLESS_CSP
from ui.auth.pages import AuthForm, AuthFormField, render_auth_page
from ui.auth.panel_sessions import ENDED, SIGNED_OUT, PanelSession, PanelSessions
from ui.error_messages import explain_error
from ui.preferences import LANGUAGE_COOKIE, YEAR_S, preferences_of
from ui.translations import LANGUAGES, Translator

_PANEL_PATH = re.compile(r"/(?:[\w-]+(?:/[\w-]+)*/?)?(?:\?[\w.~!$&'()*+,;=:@/%-]*)?", re.ASCII)
_MAX_PATH_LENGTH = 500
_REASONS = {ENDED: "login.ended", SIGNED_OUT: "login.signed_out"}
START_PATH = "/start"
"""Where an administrator continues after the first password."""


def safe_redirect_path(path: str) -> str:
    """``path`` if it is a path inside the panel, with or without a query, else "/". Prevents open redirects."""
    return path if len(path) <= _MAX_PATH_LENGTH and _PANEL_PATH.fullmatch(path) else "/"


class LoginPages:
    """Routes of the NiceGUI application, inside its session middleware."""

    def __init__(self, accounts: Accounts, sessions: PanelSessions, guide: StartGuide | None = None) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._guide = guide

    def mount(self, app: FastAPI) -> None:
        app.add_api_route(LOGIN_PATH, self.show_login, methods=["GET"], include_in_schema=False)
        app.add_api_route(LOGIN_PATH, self.log_in, methods=["POST"], include_in_schema=False)
        app.add_api_route(PASSWORD_PATH, self.show_password_form, methods=["GET"], include_in_schema=False)
        app.add_api_route(PASSWORD_PATH, self.change_password, methods=["POST"], include_in_schema=False)
        app.add_api_route(LOGOUT_PATH, self.log_out, methods=["POST"], include_in_schema=False)

    async def show_login(self, request: Request) -> Response:
        if session_of(request, self._sessions):
            return _redirect(request, safe_redirect_path(request.query_params.get("next", "/")))
        return _form_response(request, _login_form(request, _translator(request)))

    async def log_in(self, request: Request) -> Response:
        fields: dict[str, str] = {}
        try:
            fields = await read_form(request)
            username, password = fields.get("username", "").strip(), fields.get("password", "")
            account = await self._accounts.authenticate(username, password, client_address(request.scope))
            session = await self._open_session(account, request)
        except SecretaryError as error:
            return self._login_error_response(request, fields, error)
        _renew_cookie(request, session)
        return _redirect(request, safe_redirect_path(request.query_params.get("next", "/")))

    async def _open_session(self, account: Account, request: Request) -> PanelSession:
        """Opens a session. Raises Unauthorized when the account has changed since its password was checked: that change
        ended the sessions of the account before this one was open."""
        browser = browser_name(request.headers.get("user-agent", ""))
        session = self._sessions.open(account, client_address(request.scope), browser)
        try:
            if (await self._accounts.get(account.username)).version == account.version:
                return session
        except NotFound:
            pass
        except BaseException:
            self._sessions.close(session.token)
            raise
        self._sessions.close(session.token)
        raise Unauthorized("the account has changed since the password was checked")

    def _login_error_response(self, request: Request, fields: dict[str, str], error: SecretaryError) -> Response:
        t = _translator(request)
        is_unauthorized = isinstance(error, Unauthorized)
        problem = t("login.wrong") if is_unauthorized else explain_error(error, t)
        form = _login_form(request, t, problem=problem, username=fields.get("username", ""))
        response = _form_response(request, form, 401 if is_unauthorized else error.status)
        if error.retry_after_s:
            response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response

    async def show_password_form(self, request: Request) -> Response:
        session = session_of(request, self._sessions)
        assert session is not None, "the guard requires a session"
        return _form_response(request, _password_form(_translator(request), session))

    async def change_password(self, request: Request) -> Response:
        session = session_of(request, self._sessions)
        assert session is not None, "the guard requires a session"
        t = _translator(request)
        try:
            fields = await read_form(request)
        except SecretaryError as error:
            return _form_response(request, _password_form(t, session, explain_error(error, t)), error.status)
        first = session.must_change_password and session.role.covers(Role.ADMIN)
        old, new = fields.get("old", ""), fields.get("new", "")
        if new != fields.get("again", ""):
            return _form_response(request, _password_form(t, session, t("password.differ")), 400)
        try:
            account = await self._accounts.change_password(session.username, old, new, client_address(request.scope))
        except SecretaryError as error:
            return _form_response(request, _password_form(t, session, _password_problem(error, t)), error.status)
        try:
            _renew_cookie(request, await self._open_session(account, request))
        except SecretaryError:  # the new password is stored, so the user can log in with it
            return _redirect(request, LOGIN_PATH)
        return _redirect(request, await self._path_after_password(first))

    async def _path_after_password(self, first: bool) -> str:
        if not first or self._guide is None or (await self._guide.progress()).is_finished:
            return "/"
        return START_PATH

    async def log_out(self, request: Request) -> Response:
        self._sessions.close(request.session.get(SESSION_TOKEN_KEY), SIGNED_OUT)
        request.session.clear()
        return _redirect(request, f"{LOGIN_PATH}{login_query('/', SIGNED_OUT)}")


def _renew_cookie(request: Request, session: PanelSession) -> None:
    """Replaces the session id of the cookie at login, which prevents session fixation."""
    request.session.clear()
    request.session.update({"id": str(uuid.uuid4()), SESSION_TOKEN_KEY: session.token})


def _redirect(request: Request, path: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", 303)


def _chosen_language(request: Request) -> str | None:
    language = request.query_params.get("language")
    return language if language in LANGUAGES else None


def _translator(request: Request) -> Translator:
    return Translator(_chosen_language(request) or preferences_of(request).language)


def _login_form(request: Request, t: Translator, *, problem: str = "", username: str = "") -> AuthForm:
    back = safe_redirect_path(request.query_params.get("next", "/"))
    return AuthForm(
        action=LOGIN_PATH,
        title=t("login.title"),
        lead=t("login.lead"),
        button=t("login.enter"),
        problem=problem,
        note="" if problem else _reason_text(request, t),
        query=login_query(back),
        fields=(
            AuthFormField("username", t("login.username"), "text", "username", username),
            AuthFormField("password", t("login.password")),
        ),
        focus="password" if username else "username",
    )


def _reason_text(request: Request, t: Translator) -> str:
    """Why the browser was sent to the login page, for the reasons that exist."""
    key = _REASONS.get(request.query_params.get("reason", ""))
    return t(key) if key else ""


def _password_form(t: Translator, session: PanelSession, problem: str = "") -> AuthForm:
    return AuthForm(
        action=PASSWORD_PATH,
        title=t("password.title"),
        lead=t("password.lead_generated" if session.must_change_password else "password.lead"),
        button=t("password.change"),
        problem=problem,
        fields=(
            AuthFormField("old", t("password.old")),
            AuthFormField(
                "new",
                t("password.new"),
                autocomplete="new-password",
                hint=t("password.rule", least=MIN_PASSWORD_LENGTH),
            ),
            AuthFormField("again", t("password.again"), autocomplete="new-password"),
        ),
        focus="old",
    )


def _password_problem(error: SecretaryError, t: Translator) -> str:
    if isinstance(error, Unauthorized):
        return t("password.wrong")
    return (
        t("password.weak", least=MIN_PASSWORD_LENGTH) if isinstance(error, InvalidRequest) else explain_error(error, t)
    )


def _form_response(request: Request, form: AuthForm, status: int = 200) -> Response:
    root = request.scope.get("root_path", "")
    document = render_auth_page(form, _translator(request), preferences_of(request), root)
    headers = {"Content-Security-Policy": SCRIPTLESS_CSP, "Cache-Control": "no-store"}
    response = HTMLResponse(document, status, headers)
    if language := _chosen_language(request):
        path = f"{root}/"
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, path=path, samesite="lax")
    return response
