"""The outermost layer: nothing reaches a route, and nothing leaves it, but through here.

In: headers that steer the serving layer are dropped, the key, its scope and its limits are checked, the body
is bounded.
Out: security headers, a request id of our own, every error as the OpenAI error body, one metrics line.
"""

import asyncio
import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Protocol

from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.api.access_rules import AccessRule, access_rule_for
from deployments.api.auth import ApiKeyAuthenticator, require_scope
from deployments.api.errors import (
    ClientGone,
    StreamBroken,
    from_http_exception,
    internal_error,
    invalid_field,
    send_error,
)
from deployments.api.limits import ApiKeyLimiter
from deployments.api.request_body import CLIENT_TIMEOUT_S, MEGABYTE, check_content_length, limited_receive
from deployments.api.request_context import RequestContext, new_request_id, set_request_context
from deployments.api.serve_headers import filter_headers
from deployments.contracts.errors import SecretaryError, Unauthorized, Unavailable
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import ApiKey, Limits

log = logging.getLogger(__name__)

_CLIENT_GONE = 499
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_SITE_HEADERS = (_NOSNIFF, (b"referrer-policy", b"no-referrer"))
API_HEADERS = (
    *_SITE_HEADERS,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class RequestMetrics(Protocol):
    def request(self, template: str, status: int, seconds: float) -> None: ...


class ResponseSender:
    """The way out: adds our headers to the response and remembers its status; 0 until it has begun.

    A client that does not read for ``patience_s`` seconds (None: for ever) counts as gone.
    """

    __slots__ = ("_extra", "_patience_s", "_send", "status")

    def __init__(
        self, send: Send, extra_headers: tuple[tuple[bytes, bytes], ...], timeout_s: float | None = None
    ) -> None:
        self._send = send
        self._extra = extra_headers
        self._patience_s = timeout_s
        self.status = 0

    async def send(self, message: Message) -> None:
        """Raises ClientGone."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._extra]
        try:
            async with asyncio.timeout(self._patience_s):
                await self._send(message)
        except TimeoutError:
            raise ClientGone from None


class Gate:
    """Wraps ``app``. ``fast`` holds POST handlers by path that are called without going through the router.

    ``patience_s`` bounds every wait for a client, to send the rest of its body and to read what it is sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        snapshots: SnapshotSource,
        keys: ApiKeyAuthenticator,
        limiter: ApiKeyLimiter,
        metrics: RequestMetrics,
        direct_handlers: Mapping[str, ASGIApp],
        public_prefixes: tuple[str, ...] = (),
        client_timeout_s: float = CLIENT_TIMEOUT_S,
    ) -> None:
        self._patience_s = client_timeout_s
        self._app = app
        self._snapshots = snapshots
        self._keys = keys
        self._allowances = limiter
        self._metrics = metrics
        self._fast = direct_handlers
        self._public_prefixes = public_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan" or scope["path"].startswith(self._public_prefixes or ("\0",)):
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        visit_id = new_request_id()
        access = access_rule_for(scope["path"], self._public_prefixes)
        reply = ResponseSender(send, _reply_headers(visit_id, access), self._patience_s)
        try:
            receive = await self._admit(scope, receive, access, visit_id)
            handler = self._fast.get(scope["path"]) if scope["method"] == "POST" else None
            await (handler or self._app)(scope, receive, reply.send)
        except ClientGone:
            reply.status = _CLIENT_GONE
        except Exception as error:
            await _fail(reply, error, visit_id)
        finally:
            self._metrics.request(access.template, reply.status or _CLIENT_GONE, perf_counter() - began)

    async def _admit(self, scope: Scope, receive: Receive, access: AccessRule, visit_id: str) -> Receive:
        """Checks all that can be checked without the body; returns the bounded way to read it."""
        authorization, length = filter_headers(scope)
        snapshot = self._snapshots.current
        key = await self._identify(access, authorization, snapshot.settings.limits)
        set_request_context(scope, RequestContext(visit_id, key, snapshot))
        limits = snapshot.settings.limits
        most = (limits.max_upload_mb if access.upload else limits.max_body_mb) * MEGABYTE
        check_content_length(length, most)
        return limited_receive(receive, most, self._patience_s)

    async def _identify(self, access: AccessRule, authorization: bytes, limits: Limits) -> ApiKey | None:
        if access.public:
            return self._identify_visitor(authorization)
        if not self._snapshots.ready:
            raise Unavailable("The secretary is starting: its settings have not arrived yet.", retry_after_s=1)
        key = self._keys.authenticate(authorization)
        require_scope(key, access.scope)
        await self._allowances.admit(key, limits, access.scope)
        return key

    def _identify_visitor(self, authorization: bytes) -> ApiKey | None:
        if not authorization:
            return None
        try:
            return self._keys.authenticate(authorization)
        except Unauthorized:
            return None


def _reply_headers(visit_id: str, access: AccessRule) -> tuple[tuple[bytes, bytes], ...]:
    request_id = (b"x-request-id", visit_id.encode())
    return (*(_SITE_HEADERS if access.template == "public" else API_HEADERS), request_id)


async def _fail(reply: ResponseSender, error: Exception, visit_id: str) -> None:
    """Answers with the error, or cuts the connection when part of another answer is already on its way."""
    known = client_error(error, visit_id, response_started=bool(reply.status))
    headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
    extra = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send_error(reply.send, known, extra)


def client_error(error: Exception, request_id: str, *, response_started: bool) -> SecretaryError:
    """What the client is told of ``error``; a bug goes to the log. Raises StreamBroken when an answer has begun."""
    known = to_secretary_error(error)
    if known is None:
        log.error("request %s failed", request_id, exc_info=error)
    if response_started:
        raise StreamBroken(f"request {request_id} broke off: {known.code if known else 'internal_error'}") from None
    return known or internal_error(request_id)


def to_secretary_error(error: Exception) -> SecretaryError | None:
    """Our error for ``error``; None for a bug."""
    if isinstance(error, SecretaryError):
        return error
    if isinstance(error, HTTPException) and isinstance(error.__cause__, SecretaryError):
        return error.__cause__  # FastAPI makes 400 of whatever happens while it reads a body
    if isinstance(error, HTTPException) and error.status_code < 500:
        return from_http_exception(error)
    if isinstance(error, RequestValidationError) and error.errors():
        return invalid_field(_inside(error.errors()[0]))
    return None


def _inside(detail: ErrorDetails) -> ErrorDetails:
    """A complaint of the framework without the part of the request (body, query ...) that it begins with."""
    within = detail["loc"][1:]
    return {**detail, "loc": within} if within and detail["type"] != "json_invalid" else detail
