"""Outermost middleware of the office: checks token, role and body size of every request, except for three public paths.

The panel below ``/ui`` authenticates with its own cookie. Websockets pass their token as a subprotocol
(``bearer.<token>``), because browsers cannot send headers there. A token is never part of a URL.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Protocol

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.administration.auth.client_addresses import bound_client_address
from deployments.administration.auth.permissions import require_role
from deployments.api.admin.path_permissions import PATHS_BEFORE_PASSWORD_CHANGE, PUBLIC_PATHS, area_of, required_role
from deployments.api.admin.request_identity import set_identity
from deployments.api.admin.sign_in_check import SignInEnded, run_while_signed_in
from deployments.api.body_budget import BodyBudgets, BodyReservation, body_bound, body_limits
from deployments.api.errors import ClientGone, Header, error_body, error_headers, http_headers, unwrap_remote_error
from deployments.api.gate import API_HEADERS, RequestMetrics, ResponseSender, client_error
from deployments.api.request_body import CLIENT_TIMEOUT_S, check_content_length, limited_receive, require_plain_body
from deployments.api.request_context import new_request_id
from deployments.api.serve_headers import filter_headers
from deployments.contracts.errors import Forbidden, InvalidRequest, SecretaryError, Unauthorized
from deployments.contracts.identity import Identity
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import Limits

_CLIENT_GONE = 499
_SUBPROTOCOL = "bearer."
_POLICY_VIOLATION = 1008
_SELF_AUTHENTICATED = ("/ui",)
_MAX_PUBLIC_BODY_BYTES = 4 * 1024
_ENDED = "This sign-in has ended: sign in again."
_MISSING = "Sign in first: POST /admin/auth/login, then send Authorization: Bearer <access token>."


class PasswordChangeRequired(Forbidden):
    """The user must change the password before using anything else."""

    code = "password_change_required"


class TokenVerifier(Protocol):
    """Verifies access tokens."""

    def verify(self, token: str) -> Identity:
        """Returns the identity of an access token. Raises Unauthorized."""
        ...

    def is_active(self, identity: Identity) -> bool:
        """Returns whether the sign-in is active and unchanged, even if its access token has expired."""
        ...


class AdminGate:
    """Wraps ``app``, which is served below a prefix (``root_path``)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: TokenVerifier,
        snapshots: SnapshotSource,
        metrics: RequestMetrics,
        sign_in_check_interval_s: float,
        body_timeout_s: float = CLIENT_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._bodies = BodyBudgets()
        self._body_timeout_s = body_timeout_s
        self._sign_in_check_interval_s = sign_in_check_interval_s
        self._tokens = tokens
        self._snapshots = snapshots
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            handle = self._app if _authenticates_itself(inner_path(scope)) else self._socket
            await handle(scope, receive, send)
        elif _authenticates_itself(inner_path(scope)):
            await self._panel(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _panel(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a path that authenticates itself. Only errors get the headers of the API."""
        request_id, reply = new_request_id(), ResponseSender(send, ())
        body = self._bodies.reservation(upload=False)
        receive = self._reserved(scope, receive, body, "panel", *body_limits(self._limits, upload=False))
        try:
            await self._app(scope, receive, reply.send)
        except ClientGone:
            return
        except Exception as error:
            failure = client_error(error, request_id, response_started=bool(reply.status))
            await _send_error(_api_reply(send, request_id).send, failure, http_headers(error))
        finally:
            body.release()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, request_id, path = perf_counter(), new_request_id(), inner_path(scope)
        body, reply = self._bodies.reservation(area_of(path).upload), _api_reply(send, request_id)
        try:
            authorization, length = filter_headers(scope)
            if "\0" in path or b"%00" in scope.get("query_string", b""):
                raise InvalidRequest("A URL must not contain null characters.")
            bounds = max_bytes, _ = self._body_bounds(path)
            check_content_length(length, max_bytes)
            require_plain_body(scope)
            if path in PUBLIC_PATHS:
                await self._app(scope, self._reserved(scope, receive, body, None, *bounds), reply.send)
            else:
                identity = self._identify(authorization.partition(b" "), scope)
                _require_role(identity, path, scope["method"])
                receive = self._reserved(scope, receive, body, f"user {identity.username}", *bounds)
                with bound_client_address(scope) as address:
                    set_identity(scope, replace(identity, address=address))
                    await self._run_for_user(identity, scope, receive, reply)
        except ClientGone:
            reply.status = _CLIENT_GONE
        except Exception as error:
            failure = client_error(error, request_id, response_started=bool(reply.status))
            await _send_error(reply.send, failure, http_headers(error))
        finally:
            body.release()
            template = f"/admin{area_of(path).prefix}"
            self._metrics.request(template, reply.status or _CLIENT_GONE, perf_counter() - started)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = inner_path(scope)
        try:
            identity = self._identify_socket(scope)
            _require_role(identity, path, "POST")
        except SecretaryError as error:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": error.message[:120]})
            return
        offered: Sequence[str] = scope.get("subprotocols", ())
        token = next((name for name in offered if name.startswith(_SUBPROTOCOL)), None)
        try:
            with bound_client_address(scope) as address:
                set_identity(scope, replace(identity, address=address))
                await self._run_while_active(identity, self._app(scope, receive, _with_subprotocol(send, token)))
        except SignInEnded:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": _ENDED})

    async def _run_for_user(self, identity: Identity, scope: Scope, receive: Receive, reply: ResponseSender) -> None:
        """Runs the request. A GET, which may stream, ends with the sign-in; other methods run to their end."""
        running = self._app(scope, receive, reply.send)
        if scope["method"] != "GET":
            return await running
        try:
            await self._run_while_active(identity, running)
        except SignInEnded:
            if not reply.status:
                raise Unauthorized(_ENDED) from None
            await reply.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _run_while_active(self, identity: Identity, running: Awaitable[None]) -> None:
        await run_while_signed_in(running, lambda: self._tokens.is_active(identity), self._sign_in_check_interval_s)

    def _identify(self, authorization: tuple[bytes, bytes, bytes], scope: Scope) -> Identity:
        scheme, _, token = authorization
        if scheme.lower() != b"bearer" or not token.strip():
            raise Unauthorized(_MISSING)
        return self._tokens.verify(token.strip().decode("latin-1"))

    def _identify_socket(self, scope: Scope) -> Identity:
        authorization, _ = filter_headers(scope)
        if authorization:
            return self._identify(authorization.partition(b" "), scope)
        for name in scope.get("subprotocols", ()):
            if name.startswith(_SUBPROTOCOL):
                return self._tokens.verify(name.removeprefix(_SUBPROTOCOL))
        raise Unauthorized(_MISSING)

    def _body_bounds(self, path: str) -> tuple[int, int]:
        """The most bytes of a body of ``path``, and of all bodies."""
        one, together = body_limits(self._limits, area_of(path).upload)
        return _MAX_PUBLIC_BODY_BYTES if path in PUBLIC_PATHS else one, together

    def _reserved(
        self,
        scope: Scope,
        receive: Receive,
        body: BodyReservation,
        owner: str | None,
        max_bytes: int,
        max_bytes_together: int,
    ) -> Receive:
        receive = body.reserving(receive, owner, body_bound(scope, max_bytes), max_bytes_together)
        return limited_receive(receive, max_bytes, self._body_timeout_s)

    @property
    def _limits(self) -> Limits:
        return self._snapshots.current.settings.limits


def inner_path(scope: Scope) -> str:
    """Returns the path inside the office: "/faq" for "/admin/faq"."""
    path: str = scope.get("path", "/")
    root: str = scope.get("root_path", "").rstrip("/")
    inside = path[len(root) :] if root and (path == root or path.startswith(f"{root}/")) else path
    return inside.rstrip("/") or "/"


def _authenticates_itself(path: str) -> bool:
    return path == "/" or any(path == prefix or path.startswith(f"{prefix}/") for prefix in _SELF_AUTHENTICATED)


def _require_role(identity: Identity, path: str, method: str) -> None:
    if identity.must_change_password and path not in PATHS_BEFORE_PASSWORD_CHANGE:
        raise PasswordChangeRequired("Change your password first: POST /admin/auth/password.")
    require_role(identity.role, required_role(path, method))


def _api_reply(send: Send, request_id: str) -> ResponseSender:
    return ResponseSender(send, (*API_HEADERS, (b"x-request-id", request_id.encode())))


async def _send_error(send: Send, error: SecretaryError, extra: Sequence[Header]) -> None:
    """Sends the error body of all doors, plus ``detail`` for clients that expect the FastAPI error body."""
    known = unwrap_remote_error(error)
    body = orjson.dumps({**orjson.loads(error_body(known)), "detail": known.message})
    headers = [*error_headers(known), (b"content-length", b"%d" % len(body)), *extra]
    await send({"type": "http.response.start", "status": known.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_subprotocol(send: Send, subprotocol: str | None) -> Send:
    """Adds the subprotocol, since a server must select one of those offered (RFC 6455, 4.2.2)."""

    async def answer(message: Message) -> None:
        if message["type"] == "websocket.accept" and subprotocol and not message.get("subprotocol"):
            message = {**message, "subprotocol": subprotocol}
        await send(message)

    return answer
