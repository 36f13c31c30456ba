"""What HAProxy accepts from clients: limits, headers and the addresses of callers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deployments.api.access_rules import PUBLIC_FOR_READING, PUBLIC_PATHS
from deployments.api.admin.path_permissions import PUBLIC_PATHS as ADMIN_PUBLIC_PATHS
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.serve_headers import SERVE_CONTROL_HEADERS
from deployments.command.haproxy.error_replies import (
    MAX_HEADER_BYTES,
    MAX_PUBLIC_BODY_BYTES,
    ErrorReplies,
    ProxyError,
)
from deployments.contracts.outbound import Network

HAPROXY_BUFFER_BYTES = 32 * 1024
HAPROXY_CLIENT_TIMEOUT_S = 60
"""How long HAProxy waits for a client that sends or reads nothing. Longer than the doors, whose error has a reason."""


_ADMIN_PATHS = tuple(f"/admin{path}" for path in ADMIN_PUBLIC_PATHS)


def _with_slashes(paths: Iterable[str]) -> tuple[str, ...]:
    """``paths`` as clients write them: doors read "/health/" as "/health"."""
    return tuple(sorted({each for path in paths for each in (path, f"{path}/" if path != "/" else path)}))


_PUBLIC_PATHS = _with_slashes({*PUBLIC_PATHS - PUBLIC_FOR_READING, *_ADMIN_PATHS, "/admin/ui/login", "/phone/health"})
_IS_PUBLIC = "http-request set-var(txn.public) bool(true) if"
_PATH = "path,url_dec,regsub(//+,/,g)"
_MAX_PUBLIC_REQUESTS = 64
_PUBLIC_TABLE, _NETWORK_TABLE = "public_requests", "networks"
_STORE = "stick-table type ipv6 size 16k expire 1m store conn_cur"


@dataclass(frozen=True, slots=True)
class HaproxyFrontend:
    """What the HAProxy frontend accepts.

    ``trusted_proxies`` may set X-Forwarded-For. A request arrives within ``request_timeout_s``. One address (/64 in
    IPv6) has at most ``max_connections_per_address`` of the 4096 connections, one network (/24, /64) twice as many; 0
    means no limit. One network has at most ``max_public_requests`` requests in progress to paths without credentials.
    """

    trusted_proxies: Sequence[Network] = ()
    request_timeout_s: float = CLIENT_TIMEOUT_S
    max_connections_per_address: int = 1024
    max_public_requests: int = _MAX_PUBLIC_REQUESTS

    def rules(self, replies: ErrorReplies) -> tuple[str, ...]:
        """HAProxy rules in order; a rule sees the result of the earlier ones."""
        timeout = f"{round(self.request_timeout_s * 1000)}ms"
        body_too_large = (
            f"http-request return {replies.reply(ProxyError.BODY_TOO_LARGE)} "
            f"if {{ var(txn.public) -m bool }} {{ req.body_size gt {MAX_PUBLIC_BODY_BYTES} }}"
        )
        return (
            f"timeout http-request {timeout}",
            "option http-ignore-probes",
            # The streams of one HTTP/2 connection would pass the limits on connections.
            "option disable-h2-upgrade",
            *self._connection_limits(),
            *_header_limits(replies),
            *_delete_control_headers(),
            *self._forwarding(),
            f"{_IS_PUBLIC} {{ {_PATH} -m str {' '.join(_PUBLIC_PATHS)} }}",
            f"{_IS_PUBLIC} METH_GET {{ {_PATH} -m str {' '.join(_with_slashes(PUBLIC_FOR_READING))} }}",
            *self._public_limit(replies),
            body_too_large,
            # A request reaches a replica when its body, or the first 32 KiB of request and body, has arrived.
            f"http-request wait-for-body time {timeout}",
            body_too_large,  # a chunked one, whose size is known only now
            *_RULES,
        )

    def tables(self) -> str:
        """The sections of the tables that ``rules`` names."""
        return "".join(f"backend {name}\n    {_STORE}\n" for name in (_PUBLIC_TABLE, _NETWORK_TABLE))

    def _connection_limits(self) -> tuple[str, ...]:
        limit = self.max_connections_per_address
        if not limit:
            return ()
        unless = f"unless {{ src {self._exempt} }}"
        return (
            _STORE,
            f"tcp-request connection track-sc0 src,ipmask(32,64) {unless}",
            f"tcp-request connection track-sc2 src,ipmask(24,64) table {_NETWORK_TABLE} {unless}",
            f"tcp-request connection reject if {{ sc0_conn_cur gt {limit} }}",
            f"tcp-request connection reject if {{ sc2_conn_cur({_NETWORK_TABLE}) gt {2 * limit} }}",
        )

    def _public_limit(self, replies: ErrorReplies) -> tuple[str, ...]:
        """Counts the requests in progress to public paths. Behind a trusted proxy the network is that of its client."""
        public = "{ var(txn.public) -m bool }"
        by_client = tuple(
            f"http-request track-sc1 {address},ipmask(24,64) table {_PUBLIC_TABLE} if {public} {condition}"
            for address, condition in self._clients()
        )
        reply = replies.reply(ProxyError.TOO_MANY)
        return (
            *by_client,
            f"http-request return {reply} if {{ sc1_conn_cur({_PUBLIC_TABLE}) gt {self.max_public_requests} }}",
        )

    def _clients(self) -> Iterator[tuple[str, str]]:
        """The address of a client, and the condition under which it is known."""
        yield "src", f"!{{ src {self._exempt} }}"
        if self.trusted_proxies:
            trusted = " ".join(map(str, self.trusted_proxies))
            last = "hdr_ip(x-forwarded-for,-1)"
            yield last, f"{{ src {trusted} }} !{{ {last} {self._exempt} }}"

    @property
    def _exempt(self) -> str:
        """Addresses that no limit counts: this machine and the trusted proxies."""
        return " ".join(("127.0.0.1", "::1", *map(str, self.trusted_proxies)))

    def _forwarding(self) -> tuple[str, ...]:
        """The address of the caller is that of the connection; only a trusted proxy may forward another."""
        unless = f" unless {{ src {' '.join(map(str, self.trusted_proxies))} }}" if self.trusted_proxies else ""
        return (
            "http-request del-header x-forwarded-host",
            "http-request del-header forwarded",
            f"http-request del-header x-forwarded-for{unless}",
            f"http-request del-header x-forwarded-proto{unless}",
            "option forwardfor",
        )


def _header_limits(replies: ErrorReplies) -> tuple[str, ...]:
    reply = replies.reply(ProxyError.HEADERS_TOO_LARGE)
    sizes = ("req.hdrs,length", "url,length")
    return tuple(f"http-request return {reply} if {{ {size} gt {MAX_HEADER_BYTES} }}" for size in sizes)


def _delete_control_headers() -> tuple[str, ...]:
    patterns = (name.replace("-", "[-_]") for name in SERVE_CONTROL_HEADERS)
    return tuple(f"http-request del-header ^{pattern}$ -m reg" for pattern in patterns)


_RULES = (
    # These doors detect disconnects themselves. Serve would do it by reading a websocket into an unbounded queue.
    "http-request set-header x-request-disconnect-disabled ?1 if { path_beg /v1/ /phone/ }",
    # Serve appends its own request id to that of the door.
    "http-response set-header x-request-id %[res.fhdr(x-request-id,1)] if { res.fhdr_cnt(x-request-id) gt 1 }",
)
