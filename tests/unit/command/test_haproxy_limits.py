"""Bounds for callers without credentials: headers, bodies, unfinished requests of a network, HTTP/2."""

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from urllib.parse import urlsplit

import httpx
import pytest

from deployments.command.haproxy.frontend import HaproxyFrontend
from tests.unit.command.haproxy_process import HaproxyBackend, run_frontend, send_bytes

PROXY = "127.0.0.3"
LOGIN = "/admin/auth/login"
PUBLIC = (LOGIN, "/admin/auth/refresh", "/admin/ui/login", "/admin/auth/%6cogin", "/health")
Frontend = tuple[str, HaproxyBackend]


@pytest.fixture(scope="module")
def module_frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    backend = HaproxyBackend()
    limits = HaproxyFrontend((ip_network(PROXY),), request_timeout_s=5, max_public_requests=3)
    with run_frontend(tmp_path_factory.mktemp("limits"), backend, limits) as url:
        yield url, backend


@pytest.fixture
def frontend(module_frontend: Frontend) -> Frontend:
    """One network may have three unfinished requests to public paths."""
    module_frontend[1].scopes.clear()
    return module_frontend


def status_and_code(reply: bytes) -> tuple[int, str]:
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


def half_sent(path: str, headers: str = "", body: str = "content-length: 4000\r\n\r\nhalf") -> str:
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{headers}{body}"


@pytest.mark.parametrize(
    "request_head",
    [
        half_sent(LOGIN, f"cookie: {'x' * 14_000}\r\n"),
        half_sent("/v1/models", "".join(f"x-{n}: {'x' * 100}\r\n" for n in range(90))),
        half_sent(f"/health?{'x' * 9_000}"),
    ],
    ids=["one header", "many headers", "address"],
)
def test_large_headers_get_431_and_no_replica(frontend: Frontend, request_head: str) -> None:
    url, backend = frontend
    assert status_and_code(send_bytes(url, request_head)) == (431, "headers_too_large")
    assert backend.scopes == []


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_public_body_is_limited_to_4_kib(frontend: Frontend, path: str, chunked: bool) -> None:
    url, backend = frontend
    size = 4097
    body = f"connection: close\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n{'x' * size}\r\n0\r\n\r\n"
    request = half_sent(path, body=body if chunked else f"content-length: {size}\r\n\r\nhalf")
    assert status_and_code(send_bytes(url, request)) == (413, "request_too_large")
    assert backend.scopes == []
    assert httpx.post(url + path, content=b"x" * 4096, trust_env=False).is_success


def test_upload_of_a_voice_is_not_limited_as_public(frontend: Frontend) -> None:
    url, backend = frontend
    assert httpx.post(f"{url}/v1/audio/voices", content=b"x" * 20_000, trust_env=False).is_success
    assert [scope["method"] for scope in backend.scopes] == ["POST"]
    reading = httpx.request("GET", f"{url}/v1/audio/voices", content=b"x" * 5_000, trust_env=False)
    assert reading.status_code == 413


def test_headers_and_public_body_at_their_bounds_pass_complete(frontend: Frontend) -> None:
    url, backend = frontend
    cookie = {"cookie": "x" * 7_500}
    assert httpx.post(url + LOGIN, content=b"x" * 4096, headers=cookie, trust_env=False).is_success
    assert dict(backend.scopes[0]["headers"])[b"cookie"] == b"x" * 7_500


def test_large_upload_passes(frontend: Frontend) -> None:
    reply = httpx.post(f"{frontend[0]}/v1/audio/transcriptions", content=b"x" * 25_000_000, trust_env=False)
    assert reply.text == "started done"


def test_cleartext_http2_is_refused(frontend: Frontend) -> None:
    settings = "\0\0\0\4\0\0\0\0\0"
    reply = send_bytes(frontend[0], f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{settings}")
    assert not reply or reply.startswith(b"HTTP/1.1 4")


def open_half(url: str, stack: ExitStack, source: str, forwarded: str = "") -> socket.socket:
    """A connection from ``source`` with half of a login request."""
    address = ("127.0.0.1", urlsplit(url).port)
    connection = stack.enter_context(socket.create_connection(address, timeout=5, source_address=(source, 0)))
    connection.sendall(half_sent(LOGIN, f"x-forwarded-for: {forwarded}\r\n" if forwarded else "").encode())
    return connection


def is_refused(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    try:
        return status_and_code(connection.recv(65_536)) == (429, "rate_limit_exceeded")
    except TimeoutError:
        return False


_networks = itertools.count(10)


@pytest.mark.parametrize(
    ("source", "forwarded"),
    [("127.0.{network}.{host}", ""), (PROXY, "198.51.{network}.{host}"), (PROXY, "2001:db8:0:{network}::{host}")],
    ids=["direct", "behind a proxy", "IPv6"],
)
def test_unfinished_public_requests_of_network_are_limited(frontend: Frontend, source: str, forwarded: str) -> None:
    url, backend = frontend
    network, other = next(_networks), next(_networks)

    def open_from(network: int, host: int) -> socket.socket:
        place = {"network": network, "host": host}
        return open_half(url, stack, source.format(**place), forwarded.format(**place))

    with ExitStack() as stack:
        connections = [open_from(network, host) for host in range(1, 5)]
        held = [connection for connection in connections if not is_refused(connection)]
        assert len(held) == 3
        assert not is_refused(open_from(other, 1))
        assert backend.scopes == []
        for connection in held:
            connection.sendall(b"x" * 3_996)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert not is_refused(open_from(network, 5)), "finished requests do not count"
