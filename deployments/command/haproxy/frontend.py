"""What HAProxy accepts from clients: limits, headers and the addresses of callers."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.serve_headers import SERVE_CONTROL_HEADERS
from deployments.contracts.outbound import Network

HAPROXY_BUFFER_BYTES = 32 * 1024
HAPROXY_CLIENT_TIMEOUT_S = 60
"""How long HAProxy waits for a client that sends or reads nothing. Longer than the doors, whose error has a reason."""


@dataclass(frozen=True, slots=True)
class HaproxyFrontend:
    """What the HAProxy frontend accepts.

    ``trusted_proxies`` may set X-Forwarded-For. A request arrives within ``request_timeout_s``. One address (/64 in
    IPv6) has at most ``max_connections_per_address`` of the 4096 connections; 0 means no limit.
    """

    trusted_proxies: Sequence[Network] = ()
    request_timeout_s: float = CLIENT_TIMEOUT_S
    max_connections_per_address: int = 1024

    def rules(self) -> tuple[str, ...]:
        """HAProxy rules in order; a rule sees the result of the earlier ones."""
        return (*self._limits(), *_delete_control_headers(), *self._forwarding(), *_RULES)

    def _limits(self) -> tuple[str, ...]:
        timeout = f"{round(self.request_timeout_s * 1000)}ms"
        return (
            f"timeout http-request {timeout}",
            "option http-ignore-probes",
            *self._connection_limit(),
            # A request reaches a replica when its body, or the first 32 KiB of it, has arrived.
            f"http-request wait-for-body time {timeout}",
        )

    def _connection_limit(self) -> tuple[str, ...]:
        if not self.max_connections_per_address:
            return ()
        exempt = " ".join(("127.0.0.1", "::1", *map(str, self.trusted_proxies)))
        return (
            "stick-table type ipv6 size 16k expire 1m store conn_cur",
            f"tcp-request connection track-sc0 src,ipmask(32,64) unless {{ src {exempt} }}",
            f"tcp-request connection reject if {{ sc0_conn_cur gt {self.max_connections_per_address} }}",
        )

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


def _delete_control_headers() -> tuple[str, ...]:
    patterns = (name.replace("-", "[-_]") for name in SERVE_CONTROL_HEADERS)
    return tuple(f"http-request del-header ^{pattern}$ -m reg" for pattern in patterns)


_RULES = (
    # These doors detect disconnects themselves. Serve would do it by reading a websocket into an unbounded queue.
    "http-request set-header x-request-disconnect-disabled ?1 if { path_beg /v1/ /phone/ }",
    # Serve appends its own request id to that of the door.
    "http-response set-header x-request-id %[res.fhdr(x-request-id,1)] if { res.fhdr_cnt(x-request-id) gt 1 }",
)
