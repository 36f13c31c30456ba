"""An httpx transport that enforces an OutboundPolicy; for CheckedClient and for libraries that accept a client."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import cast

import httpcore
import httpx

from deployments.contracts.errors import Unavailable
from deployments.outbound.network_backend import CheckedNetworkBackend, Resolver, SystemResolver
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.response_body import DEFAULT_LIMITS, BoundedBody, ByteSource, OutboundLimits, response_timeout
from deployments.outbound.target import OutboundTarget, parse_target
from deployments.outbound.tunnel import Tunnel
from deployments.outbound.tunnel_backend import TunnelBackend

_REPLACED_HEADERS = (b"host", b"accept-encoding")


class CheckedTransport(httpx.AsyncBaseTransport):
    """Calls ``policy`` for each request. A connection that was opened under another policy serves no further request,
    because the address of its name may be forbidden now. Ignores timeouts, ``Host`` and ``Accept-Encoding`` of the
    caller.

    With a ``tunnel`` every connection goes through it, and names are not resolved here: only the name and a literal
    address are checked. Requests uncompressed responses and refuses others. Raises OutboundRefused, InvalidRequest,
    Unavailable, EngineTimeout and ResponseTooLarge.
    """

    def __init__(
        self,
        policy: Callable[[], OutboundPolicy],
        limits: OutboundLimits = DEFAULT_LIMITS,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        tunnel: Tunnel | None = None,
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._opened_under: OutboundPolicy | None = None
        self._outdated: set[httpcore.AsyncConnectionInterface] = set()
        backend = TunnelBackend(tunnel) if tunnel else CheckedNetworkBackend(policy, resolver or SystemResolver())
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=limits.max_connections,
            keepalive_expiry=limits.keepalive_s,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = parse_target(str(request.url))
        policy = self._policy()
        policy.check_target(target)
        await self._close_outdated(policy)
        deadline = asyncio.get_running_loop().time() + self._limits.total_timeout_s
        with _translated_errors(target.host):
            try:
                async with asyncio.timeout_at(deadline):
                    response = await self._pool.handle_async_request(self._request(request, target))
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError) as error:
                raise ConnectionLost(f"{target.host} closed the connection without a response") from error
            except TimeoutError:
                raise response_timeout(target.host, self._limits.total_timeout_s) from None
        return await self._response(response, target, deadline)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _close_outdated(self, policy: OutboundPolicy) -> None:
        """Closes the idle connections of an earlier policy; responses in progress go on."""
        if policy != self._opened_under:
            self._opened_under = policy
            self._outdated.update(self._pool.connections)
        for connection in [each for each in self._outdated if each.is_idle() or each.is_closed()]:
            self._outdated.discard(connection)
            await connection.aclose()

    def _request(self, request: httpx.Request, target: OutboundTarget) -> httpcore.Request:
        limits = self._limits
        headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _REPLACED_HEADERS]
        replacements = [(b"Host", target.authority.encode()), (b"Accept-Encoding", b"identity")]
        timeouts = {
            "connect": limits.connect_timeout_s,
            "read": limits.read_timeout_s,
            "write": limits.read_timeout_s,
            "pool": limits.connect_timeout_s,
        }
        return httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
            ),
            headers=[*replacements, *headers],
            content=request.stream,
            extensions={"timeout": timeouts},
        )

    async def _response(self, response: httpcore.Response, target: OutboundTarget, deadline: float) -> httpx.Response:
        encoding = httpx.Headers(response.headers).get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            await response.aclose()
            raise Unavailable(f"{target.host} sends a compressed response: {encoding[:30]}")
        source = cast(ByteSource, _TranslatedStream(response, target.host))
        body = BoundedBody(source, self._limits, deadline, target.host)
        return httpx.Response(response.status, headers=response.headers, stream=body)


class _TranslatedStream:
    """A response stream that raises our errors for those of httpcore."""

    def __init__(self, response: httpcore.Response, host: str) -> None:
        self._response = response
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated_errors(self._host):
            async for data in self._response.aiter_stream():
                yield data

    async def aclose(self) -> None:
        await self._response.aclose()


class ConnectionLost(Unavailable):
    """The connection ended before the response began. A server may close an idle connection at any time (RFC 9112,
    section 9.3.1), also while a request is on its way to it."""

    code = "connection_lost"


class UpstreamUnreachable(Unavailable):
    """No connection: the name cannot be resolved, the port is closed or the certificate is invalid."""

    code = "upstream_unreachable"


@contextmanager
def _translated_errors(host: str) -> Iterator[None]:
    """Translates errors of httpcore to Unavailable."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise UpstreamUnreachable(f"{host} cannot be reached: {str(error)[:200]}", retry_after_s=5) from error
    except httpcore.TimeoutException as error:
        raise Unavailable(f"{host} does not answer in time ({type(error).__name__})", retry_after_s=5) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Unavailable(f"{host} cannot be reached: {str(error)[:200]}", retry_after_s=5) from error
