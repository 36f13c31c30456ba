"""What HAProxy accepts from clients, and whose word about the address of a caller counts."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from ray.serve._private import constants

from deployments.api.serve_headers import SERVE_CONTROL_HEADERS, is_serve_control_header
from deployments.command.haproxy.frontend import HaproxyFrontend
from deployments.command.ray_environment import new_run_id, ray_environment
from tests.unit.command.haproxy_process import (
    HaproxyBackend,
    run_frontend,
    run_haproxy,
    send_bytes,
    send_until_done,
    serve_backend,
)

CALLER, PROXY, SECOND_PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.4"
TRUSTED = (ip_network(PROXY), ip_network("127.0.0.4/30"))
UPGRADE = (
    "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

Frontend = tuple[str, HaproxyBackend]


@pytest.fixture(scope="module")
def short_timeout_frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    backend = HaproxyBackend()
    with run_frontend(tmp_path_factory.mktemp("short"), backend, HaproxyFrontend(request_timeout_s=0.3)) as url:
        yield url, backend


@pytest.fixture
def short_timeout(short_timeout_frontend: Frontend) -> Frontend:
    """A request arrives within 0.3 s or gets 408."""
    short_timeout_frontend[1].scopes.clear()
    return short_timeout_frontend


def spellings(name: str) -> list[str]:
    """``name`` with "-" or "_" at each place."""
    first, *parts = name.split("-")
    return [
        first + "".join(sign + part for sign, part in zip(signs, parts, strict=True))
        for signs in product("-_", repeat=len(parts))
    ]


def test_serve_control_headers_cover_those_of_serve() -> None:
    read = [
        constants.SERVE_HTTP_REQUEST_ID_HEADER,
        constants.SERVE_HTTP_REQUEST_TIMEOUT_S_HEADER,
        constants.SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER,
        constants.SERVE_SESSION_ID,
        constants.SERVE_MULTIPLEXED_MODEL_ID,
    ]
    assert {name.replace("_", "-") for name in read} == set(SERVE_CONTROL_HEADERS)
    assert all(
        is_serve_control_header(spelling.encode()) for name in read for spelling in spellings(name.replace("_", "-"))
    )
    assert not is_serve_control_header(b"authorization")


def test_control_headers_are_deleted_in_every_spelling(short_timeout: Frontend) -> None:
    url, backend = short_timeout
    names = [spelling for name in SERVE_CONTROL_HEADERS for spelling in spellings(name)]
    lines = "".join(f"{name.title()}: \xff\r\n" for name in names)
    send_bytes(url, f"GET /hello HTTP/1.1\r\nhost: x\r\nx-other: kept\r\nconnection: close\r\n{lines}\r\n")
    headers = dict(backend.scopes[0]["headers"])
    assert [name for name in headers if is_serve_control_header(name)] == []
    assert headers[b"x-other"] == b"kept"


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("GET /v1/models HTTP/1.1\r\nhos", id="half of the headers"),
        pytest.param("POST /admin/ui/login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nuser", id="half a body"),
        pytest.param("POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", id="some chunks"),
        pytest.param(f"GET /phone/tts HTTP/1.1\r\nhost: x\r\n{UPGRADE}content-length: 9\r\n\r\n", id="an upgrade"),
    ],
)
def test_unfinished_request_gets_408_and_no_replica(short_timeout: Frontend, part: str) -> None:
    url, backend = short_timeout
    head, _, body = send_bytes(url, part).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert backend.scopes == []
    if "\r\n\r\n" in part:
        assert json.loads(body)["error"]["code"] == "request_timeout"


def test_idle_connection_is_closed_silently(short_timeout: Frontend) -> None:
    assert send_bytes(short_timeout[0], "") == b""


def test_trickling_body_gets_408_and_no_replica(short_timeout: Frontend) -> None:
    url, backend = short_timeout
    stop = threading.Event()
    with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as connection:
        connection.sendall(b"POST /admin/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n")
        connection.settimeout(10)
        trickle = threading.Thread(target=_trickle, args=(connection, stop))
        trickle.start()
        reply = connection.recv(65_536)
        stop.set()
        trickle.join()
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert backend.scopes == []


def _trickle(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def test_long_upload_continues_while_data_arrives(short_timeout: Frontend) -> None:
    body = (time.sleep(0.1) or b"x" * 20_000 for _ in range(6))
    reply = httpx.post(f"{short_timeout[0]}/v1/audio/transcriptions", content=body, trust_env=False)
    assert reply.text == "started done"


def test_silent_answers_and_websockets_outlast_client_timeout(tmp_path: Path) -> None:
    requests = {
        "answer": "POST /silent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab",
        "websocket": f"GET /phone/tts HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n",
    }
    with run_frontend(tmp_path, HaproxyBackend(), timeout_client_s=1) as url, ThreadPoolExecutor() as pool:
        replies = pool.map(lambda request: send_until_done(url, request), requests.values())
        answer, websocket = replies
    assert b"started" in answer
    assert b"done" in answer
    assert websocket.startswith(b"HTTP/1.1 101 ")
    assert b"done" in websocket


def test_connections_per_address_are_limited(tmp_path: Path) -> None:
    frontend = HaproxyFrontend(trusted_proxies=TRUSTED, max_connections_per_address=3)
    with run_frontend(tmp_path, HaproxyBackend(), frontend) as url, ExitStack() as stack:
        connections = [stack.enter_context(connect_from(url, CALLER)) for _ in range(4)]
        assert [is_closed(connection) for connection in connections[2:]] == [False, True]
        connections = [stack.enter_context(connect_from(url, f"127.0.0.1{n}")) for n in range(4)]
        assert [is_closed(connection) for connection in connections[2:]] == [False, True], "six of one network"
        for other in (PROXY, "127.0.0.1"):
            connections = [stack.enter_context(connect_from(url, other)) for _ in range(4)]
            assert not is_closed(connections[-1])


def test_connections_per_address_zero_means_no_limit(tmp_path: Path) -> None:
    with (
        run_frontend(tmp_path, HaproxyBackend(), HaproxyFrontend(max_connections_per_address=0)) as url,
        ExitStack() as stack,
    ):
        connections = [stack.enter_context(connect_from(url, CALLER)) for _ in range(1_100)]
        assert not is_closed(connections[-1])


def connect_from(url: str, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), source_address=(source, 0))


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes the connection at once."""
    connection.settimeout(0.2)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


FORGED = "6.6.6.6"
CALLS = [
    pytest.param(CALLER, [f"{FORGED}, {PROXY}"], CALLER, id="caller claims a proxy"),
    pytest.param("127.0.0.1", [FORGED], "127.0.0.1", id="loopback"),
    pytest.param(PROXY, [], PROXY, id="proxy itself"),
    pytest.param(PROXY, ["2001:db8::7"], "2001:db8::7", id="IPv6 through proxy"),
    pytest.param(PROXY, [FORGED, "198.51.100.7"], "198.51.100.7", id="forged in own header"),
    pytest.param(PROXY, [f"{FORGED}, {PROXY}, 198.51.100.7"], "198.51.100.7", id="forged with proxy"),
    pytest.param(PROXY, [f"{FORGED}, 198.51.100.7, {SECOND_PROXY}"], "198.51.100.7", id="two proxies"),
]


@pytest.fixture(scope="module", params=[True, False], ids=["haproxy", "default"])
def proxied_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    """A backend behind what ``secretary up`` starts in each mode, with trusted proxies."""
    folder, backend, fast = tmp_path_factory.mktemp("front"), HaproxyBackend(), request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        environment = ray_environment(folder / "run", new_run_id(), fast=fast, trusted=TRUSTED)
    with serve_backend(backend, environment["FORWARDED_ALLOW_IPS"]) as port:
        if not fast:
            yield f"http://127.0.0.1:{port}", backend
            return
        with run_haproxy(folder, port, HaproxyFrontend(TRUSTED)) as url:
            yield url, backend


@pytest.mark.parametrize(("source", "forwarded", "address"), CALLS)
def test_caller_is_last_untrusted_address(
    proxied_backend: Frontend, source: str, forwarded: list[str], address: str
) -> None:
    url, backend = proxied_backend
    headers = [("x-forwarded-for", each) for each in forwarded] + [
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6"),
    ]
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
        assert client.get(url, headers=headers).is_success
    scope = backend.scopes[-1]
    assert scope["client"][0] == address
    assert scope["scheme"] == ("https" if source == PROXY else "http")
