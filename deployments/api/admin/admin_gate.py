"""The office's outermost layer: nothing reaches a route without a token and a role, but three public paths.

The panel below ``/ui`` guards itself with its own cookie. Websockets name their token as a subprotocol
(``bearer.<token>``), because browsers can send no header; it never stands in an address.
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
from deployments.api.errors import ClientGone, error_body, error_headers, unwrap_remote_error
from deployments.api.gate import API_HEADERS, RequestMetrics, ResponseSender, client_error
from deployments.api.request_body import CLIENT_TIMEOUT_S, MEGABYTE, check_content_length, limited_receive
from deployments.api.request_context import new_request_id
from deployments.api.serve_headers import filter_headers
from deployments.contracts.errors import Forbidden, InvalidRequest, SecretaryError, Unauthorized
from deployments.contracts.identity import Identity
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import Limits

_CLIENT_GONE = 499
_SUBPROTOCOL = "bearer."
_POLICY_VIOLATION = 1008
_SELF_GUARDED = ("/ui",)
_MOST_OF_STRANGERS = 16 * 1024
"""Bytes of a sign-in."""
_ENDED = "This sign-in has ended: sign in again."
_MISSING = "Sign in first: POST /admin/auth/login, then send Authorization: Bearer <access token>."


class PasswordChangeRequired(Forbidden):
    code = "password_change_required"


class TokenVerifier(Protocol):
    def verify(self, token: str) -> Identity:
        """Whose access token this is. Raises Unauthorized."""
        ...

    def is_active(self, identity: Identity) -> bool:
        """Whether the sign-in is still what it was; not whether its access token has expired."""
        ...


class AdminGate:
    """Wraps ``app``, which is served below some prefix (``root_path``)."""

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
        self._patience_s = body_timeout_s
        self._look_again_s = sign_in_check_interval_s
        self._tokens = tokens
        self._snapshots = snapshots
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _guards_itself(inner_path(scope)):
            await self._app(scope, self._bounded_upload(receive) if scope["type"] == "http" else receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, visit_id, path = perf_counter(), new_request_id(), inner_path(scope)
        reply = ResponseSender(send, (*API_HEADERS, (b"x-request-id", visit_id.encode())))
        try:
            authorization, length = filter_headers(scope)
            if "\0" in path or b"%00" in scope.get("query_string", b""):
                raise InvalidRequest("An address must not contain null characters.")
            receive = self._bounded(path, receive, length)
            if path in PUBLIC_PATHS:
                await self._app(scope, receive, reply.send)
            else:
                identity = self._identify(authorization.partition(b" "), scope)
                _require_role(identity, path, scope["method"])
                with bound_client_address(scope) as address:
                    set_identity(scope, replace(identity, address=address))
                    await self._on_behalf(identity, scope, receive, reply)
        except ClientGone:
            reply.status = _CLIENT_GONE
        except Exception as error:
            await _send_error(reply.send, client_error(error, visit_id, response_started=bool(reply.status)))
        finally:
            template = f"/admin{area_of(path).prefix}"
            self._metrics.request(template, reply.status or _CLIENT_GONE, perf_counter() - began)

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
                await self._lasting(identity, self._app(scope, receive, _answering(send, token)))
        except SignInEnded:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": _ENDED})

    async def _on_behalf(self, identity: Identity, scope: Scope, receive: Receive, reply: ResponseSender) -> None:
        """What is read may last and ends with the sign-in; what was asked to be done is done."""
        running = self._app(scope, receive, reply.send)
        if scope["method"] != "GET":
            return await running
        try:
            await self._lasting(identity, running)
        except SignInEnded:
            if not reply.status:
                raise Unauthorized(_ENDED) from None
            await reply.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _lasting(self, identity: Identity, running: Awaitable[None]) -> None:
        await run_while_signed_in(running, lambda: self._tokens.is_active(identity), self._look_again_s)

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

    def _bounded(self, path: str, receive: Receive, length: bytes | None) -> Receive:
        if area_of(path).upload:
            most = self._limits.max_upload_mb * MEGABYTE
        else:
            most = _MOST_OF_STRANGERS if path in PUBLIC_PATHS else self._limits.max_body_mb * MEGABYTE
        check_content_length(length, most)
        return limited_receive(receive, most, self._patience_s)

    def _bounded_upload(self, receive: Receive) -> Receive:
        return limited_receive(receive, self._limits.max_upload_mb * MEGABYTE, self._patience_s)

    @property
    def _limits(self) -> Limits:
        return self._snapshots.current.settings.limits


def inner_path(scope: Scope) -> str:
    """The path inside the office: "/faq" for "/admin/faq"."""
    path: str = scope.get("path", "/")
    root: str = scope.get("root_path", "").rstrip("/")
    inside = path[len(root) :] if root and (path == root or path.startswith(f"{root}/")) else path
    return inside.rstrip("/") or "/"


def _guards_itself(path: str) -> bool:
    return path == "/" or any(path == prefix or path.startswith(f"{prefix}/") for prefix in _SELF_GUARDED)


def _require_role(identity: Identity, path: str, method: str) -> None:
    if identity.must_change_password and path not in PATHS_BEFORE_PASSWORD_CHANGE:
        raise PasswordChangeRequired("Change your password first: POST /admin/auth/password.")
    require_role(identity.role, required_role(path, method))


async def _send_error(send: Send, error: SecretaryError) -> None:
    """The same error body as at the other doors, and ``detail`` for clients that look for FastAPI's own."""
    known = unwrap_remote_error(error)
    body = orjson.dumps({**orjson.loads(error_body(known)), "detail": known.message})
    headers = [*error_headers(known), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": known.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answering(send: Send, subprotocol: str | None) -> Send:
    """A server must pick one of the subprotocols that were offered (RFC 6455, 4.2.2)."""

    async def answer(message: Message) -> None:
        if message["type"] == "websocket.accept" and subprotocol and not message.get("subprotocol"):
            message = {**message, "subprotocol": subprotocol}
        await send(message)

    return answer
