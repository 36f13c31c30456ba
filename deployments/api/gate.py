"""The outermost ASGI middleware of the gateway.

For a request it removes headers that control Ray Serve, checks the API key with its scope and limits, and bounds the
body. For a response it adds security headers and a request id, renders errors as OpenAI error bodies and records
metrics.
"""

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
from deployments.api.body_budget import BodyBudgets, BodyReservation, body_bound, body_limits
from deployments.api.errors import (
    ClientGone,
    StreamBroken,
    from_http_exception,
    http_headers,
    internal_error,
    invalid_field,
    send_error,
)
from deployments.api.limits import ApiKeyLimiter
from deployments.api.paths import collapse_slashes, explain_path, refuse_websocket
from deployments.api.request_body import (
    BODY_MEMORY,
    CLIENT_TIMEOUT_S,
    check_content_length,
    limited_receive,
    require_plain_body,
)
from deployments.api.request_context import RequestContext, new_request_id, set_request_context
from deployments.api.serve_headers import filter_headers
from deployments.contracts.api_key import ApiKey
from deployments.contracts.errors import SecretaryError, Unauthorized, Unavailable
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import Limits
from deployments.contracts.timeouts import RepeatedTimeout

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
    """Records answered HTTP requests."""

    def request(self, template: str, status: int, seconds: float) -> None: ...


class ResponseSender:
    """Sends a response with ``extra_headers`` added and remembers its ``status``; 0 before the response has started.

    A client that does not read for ``timeout_s`` seconds (None: no limit) counts as disconnected.
    """

    __slots__ = ("_extra_headers", "_send", "_timeout", "_timeout_s", "status")

    def __init__(
        self, send: Send, extra_headers: tuple[tuple[bytes, bytes], ...], timeout_s: float | None = None
    ) -> None:
        self._send = send
        self._extra_headers = extra_headers
        self._timeout_s = timeout_s
        self._timeout = RepeatedTimeout()
        self.status = 0

    def close(self) -> None:
        """Drops the timer of the last send."""
        self._timeout.close()

    async def send(self, message: Message) -> None:
        """Sends one ASGI message. Raises ClientGone."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._extra_headers]
        try:
            with self._timeout.within(self._timeout_s):
                await self._send(message)
        except TimeoutError:
            raise ClientGone from None


class Gate:
    """Middleware around ``app``. ``direct_handlers`` are POST handlers by path, called without the router.

    ``client_timeout_s`` bounds each wait for the client: for the next part of its body and for reading the response.
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
        self._client_timeout_s = client_timeout_s
        self._app = app
        self._snapshots = snapshots
        self._keys = keys
        self._limiter = limiter
        self._metrics = metrics
        self._direct_handlers = direct_handlers
        self._bodies = BodyBudgets()
        self._public_prefixes = public_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan" or scope["path"].startswith(self._public_prefixes or ("\0",)):
            await self._app(scope, receive, send)
        else:
            await refuse_websocket(scope, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        if not scope["path"].startswith(self._public_prefixes or ("\0",)):
            scope["path"] = collapse_slashes(scope["path"])
        request_id = new_request_id()
        rule = access_rule_for(scope["path"], scope["method"], self._public_prefixes)
        response = ResponseSender(send, _response_headers(request_id, rule), self._client_timeout_s)
        body = self._bodies.reservation(rule.upload)
        try:
            receive = await self._admit(scope, receive, rule, request_id, body)
            handler = self._direct_handlers.get(scope["path"]) if scope["method"] == "POST" else None
            await (handler or self._app)(scope, receive, response.send)
        except ClientGone:
            response.status = _CLIENT_GONE
        except Exception as error:
            await _send_failure(response, explain_path(error, scope["path"]), request_id)
        finally:
            response.close()
            body.release()
            self._metrics.request(rule.template, response.status or _CLIENT_GONE, perf_counter() - started)

    async def _admit(
        self, scope: Scope, receive: Receive, rule: AccessRule, request_id: str, body: BodyReservation
    ) -> Receive:
        """Checks everything except the body. Returns ``receive`` with the body limits applied."""
        authorization, length = filter_headers(scope)
        snapshot = self._snapshots.current
        limits = snapshot.settings.limits
        key = await self._authenticate(rule, authorization, limits)
        set_request_context(scope, RequestContext(request_id, key, snapshot))
        max_bytes, all_bytes = body_limits(limits, rule.upload)
        check_content_length(length, max_bytes)
        require_plain_body(scope)
        scope[BODY_MEMORY] = body
        receive = body.reserving(receive, key and key.id, body_bound(scope, max_bytes), all_bytes)
        return limited_receive(receive, max_bytes, self._client_timeout_s)

    async def _authenticate(self, rule: AccessRule, authorization: bytes, limits: Limits) -> ApiKey | None:
        if rule.public:
            return self._authenticate_optional(authorization)
        if not self._snapshots.ready:
            raise Unavailable("The secretary is starting: its settings have not arrived yet.", retry_after_s=1)
        key = self._keys.authenticate(authorization)
        require_scope(key, rule.scope)
        await self._limiter.admit(key, limits, rule.scope)
        return key

    def _authenticate_optional(self, authorization: bytes) -> ApiKey | None:
        if not authorization:
            return None
        try:
            return self._keys.authenticate(authorization)
        except Unauthorized:
            return None


def _response_headers(request_id: str, rule: AccessRule) -> tuple[tuple[bytes, bytes], ...]:
    id_header = (b"x-request-id", request_id.encode())
    return (*(_SITE_HEADERS if rule.template == "public" else API_HEADERS), id_header)


async def _send_failure(response: ResponseSender, error: Exception, request_id: str) -> None:
    """Sends the error, or cuts the connection when a response has already started."""
    failure = client_error(error, request_id, response_started=bool(response.status))
    await send_error(response.send, failure, http_headers(error))


def client_error(error: Exception, request_id: str, *, response_started: bool) -> SecretaryError:
    """The error to send to the client. Logs bugs. Raises StreamBroken when a response has already started."""
    known = to_secretary_error(error)
    if known is None:
        log.error("request %s failed", request_id, exc_info=error)
    if response_started:
        raise StreamBroken(f"request {request_id} failed: {known.code if known else 'internal_error'}") from None
    return known or internal_error(request_id)


def to_secretary_error(error: Exception) -> SecretaryError | None:
    """The SecretaryError that ``error`` stands for; None for a bug."""
    if isinstance(error, SecretaryError):
        return error
    if isinstance(error, HTTPException) and isinstance(error.__cause__, SecretaryError):
        return error.__cause__  # FastAPI turns any error during body parsing into 400
    if isinstance(error, HTTPException) and error.status_code < 500:
        return from_http_exception(error)
    if isinstance(error, RequestValidationError) and error.errors():
        return invalid_field(_without_location(error.errors()[0]))
    return None


def _without_location(detail: ErrorDetails) -> ErrorDetails:
    """``detail`` without the first part of its path, which names the place in the request (body, query, …)."""
    path = detail["loc"][1:]
    return {**detail, "loc": path} if path and detail["type"] != "json_invalid" else detail
