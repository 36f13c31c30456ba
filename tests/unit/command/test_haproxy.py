"""What strangers may hold of the front door, and whose word about a caller's address counts; asked of HAProxy."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from ray.serve._private import constants
from starlette.types import Receive, Scope, Send

from deployments.api.serve_headers import SERVE_CONTROL_HEADERS, is_serve_control_header
from deployments.command.haproxy import HaproxyFrontend
from deployments.command.ray_environment import new_run_id, ray_environment
from tests.unit.command.test_ray_environment import USUAL, haproxy_before

STRANGER, PROXY, FARTHER_PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.4"
TRUSTED = (ip_network(PROXY), ip_network("127.0.0.4/30"))
HURRIED = HaproxyFrontend(request_timeout_s=0.3)
UPGRADE = (
    "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SILENCE_S = 1.5


class HaproxyBackend:
    """An application that notes each request, and is silent for a while at ``/silent`` and on websockets."""

    def __init__(self) -> None:
        self.asked: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/-/healthz":
            await self._reply(send)
            return
        self.asked.append(scope)
        if scope["type"] == "websocket":
            await self._talk(receive, send)
            return
        await asyncio.sleep(SILENCE_S if scope["path"] == "/silent" else 0)
        await self._reply(send, SILENCE_S if scope["path"] == "/silent" else 0)

    async def _reply(self, send: Send, silence_s: float = 0) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
        await asyncio.sleep(silence_s)
        await send({"type": "http.response.body", "body": b"done"})

    async def _talk(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(SILENCE_S)
        await send({"type": "websocket.send", "text": "done"})
        await send({"type": "websocket.close", "code": 1000})


@contextmanager
def served(door: HaproxyBackend, believed: str = "127.0.0.1") -> Iterator[int]:
    """The port of ``door`` under uvicorn, as a replica of Serve that has FORWARDED_ALLOW_IPS in its environment."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(door, log_level="warning", lifespan="off", forwarded_allow_ips=believed)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def front_door(folder: Path, door: HaproxyBackend, front: HaproxyFrontend = USUAL, **settings: int) -> Iterator[str]:
    with served(door) as port, haproxy_before(folder, port, front, **settings) as url:
        door.asked.clear()
        yield url


def sent(url: str, request: str) -> bytes:
    """All that comes back for the bytes of ``request``, until the other side has had enough."""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def spellings(name: str) -> list[str]:
    """``name`` with "-" or "_" at each place."""
    first, *parts = name.split("-")
    return [
        first + "".join(sign + part for sign, part in zip(signs, parts, strict=True))
        for signs in product("-_", repeat=len(parts))
    ]


def test_every_header_that_serve_reads_is_known() -> None:
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


def test_headers_that_steer_serve_are_dropped_however_they_are_spelled(tmp_path: Path) -> None:
    door = HaproxyBackend()
    names = [spelling for name in SERVE_CONTROL_HEADERS for spelling in spellings(name)]
    theirs = "".join(f"{name.title()}: \xff\r\n" for name in names)
    with front_door(tmp_path, door) as url:
        sent(url, f"GET /hello HTTP/1.1\r\nhost: x\r\nx-other: kept\r\nconnection: close\r\n{theirs}\r\n")
    headers = dict(door.asked[0]["headers"])
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
def test_a_request_that_is_never_finished_reaches_no_replica_and_is_given_up(tmp_path: Path, part: str) -> None:
    door = HaproxyBackend()
    with front_door(tmp_path, door, HURRIED) as url:
        head, _, body = sent(url, part).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert door.asked == []
    if "\r\n\r\n" in part:
        assert json.loads(body)["error"]["code"] == "request_timeout"


def test_a_connection_that_was_opened_ahead_is_closed_without_a_word(tmp_path: Path) -> None:
    with front_door(tmp_path, HaproxyBackend(), HURRIED) as url:
        assert sent(url, "") == b""


def test_a_body_that_trickles_reaches_no_replica(tmp_path: Path) -> None:
    door, stop = HaproxyBackend(), threading.Event()
    with (
        front_door(tmp_path, door, HURRIED) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port)) as line,
    ):
        line.sendall(b"POST /admin/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n")
        line.settimeout(10)
        trickle = threading.Thread(target=_trickle, args=(line, stop))
        trickle.start()
        reply = line.recv(65_536)
        stop.set()
        trickle.join()
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert door.asked == []


def _trickle(line: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            line.sendall(b"x")
        except OSError:
            return


def test_a_long_upload_goes_on_while_it_moves(tmp_path: Path) -> None:
    door = HaproxyBackend()
    with front_door(tmp_path, door, HURRIED) as url:
        body = (time.sleep(0.1) or b"x" * 20_000 for _ in range(6))
        assert httpx.post(f"{url}/v1/audio/transcriptions", content=body, trust_env=False).text == "begun done"


def test_answers_and_websockets_may_be_silent_for_longer_than_a_client_may_stall(tmp_path: Path) -> None:
    requests = {
        "answer": "POST /silent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab",
        "socket": f"GET /phone/tts HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n",
    }
    with front_door(tmp_path, HaproxyBackend(), timeout_client_s=1) as url, ThreadPoolExecutor() as pool:
        replies = dict(
            zip(requests, pool.map(lambda request: until_done(url, request), requests.values()), strict=True)
        )
    assert b"begun" in replies["answer"]
    assert replies["socket"].startswith(b"HTTP/1.1 101 ")
    assert all(b"done" in reply for reply in replies.values())


def until_done(url: str, request: str) -> bytes:
    """What comes back, to the word "done" or to the end."""
    reply = b""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as connection:
        connection.sendall(request.encode())
        while b"done" not in reply and (part := connection.recv(65_536)):
            reply += part
    return reply


def test_one_address_has_so_many_connections_and_no_more(tmp_path: Path) -> None:
    front = HaproxyFrontend(trusted_proxies=TRUSTED, max_connections_per_address=3)
    with front_door(tmp_path, HaproxyBackend(), front) as url, ExitStack() as stack:
        held = [stack.enter_context(connected(url, STRANGER)) for _ in range(4)]
        assert [closed(line) for line in held[2:]] == [False, True]
        for other in (PROXY, "127.0.0.1"):
            lines = [stack.enter_context(connected(url, other)) for _ in range(4)]
            assert not closed(lines[-1])


def test_the_bound_of_one_address_can_be_lifted(tmp_path: Path) -> None:
    with (
        front_door(tmp_path, HaproxyBackend(), HaproxyFrontend(max_connections_per_address=0)) as url,
        ExitStack() as stack,
    ):
        lines = [stack.enter_context(connected(url, STRANGER)) for _ in range(1_100)]
        assert not closed(lines[-1])


def connected(url: str, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), source_address=(source, 0))


def closed(line: socket.socket) -> bool:
    """Whether the other side closes the connection at once."""
    line.settimeout(0.2)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


FORGED = "6.6.6.6"
CALLS = [
    pytest.param(STRANGER, [], STRANGER, id="a caller"),
    pytest.param(STRANGER, [FORGED], STRANGER, id="a caller who claims to be another"),
    pytest.param(STRANGER, [f"{FORGED}, {PROXY}"], STRANGER, id="a caller who claims to be a proxy"),
    pytest.param("127.0.0.1", [FORGED], "127.0.0.1", id="a program of this machine"),
    pytest.param(PROXY, [], PROXY, id="the proxy itself"),
    pytest.param(PROXY, ["198.51.100.7"], "198.51.100.7", id="through the proxy"),
    pytest.param(PROXY, ["2001:db8::7"], "2001:db8::7", id="through the proxy, IPv6"),
    pytest.param(PROXY, [f"{FORGED}, 198.51.100.7"], "198.51.100.7", id="a lie to the proxy"),
    pytest.param(PROXY, [FORGED, "198.51.100.7"], "198.51.100.7", id="a lie in a header of its own"),
    pytest.param(PROXY, [f"{FORGED}, {PROXY}, 198.51.100.7"], "198.51.100.7", id="a lie with a proxy in it"),
    pytest.param(PROXY, [f"198.51.100.7, {FARTHER_PROXY}"], "198.51.100.7", id="through two proxies"),
    pytest.param(PROXY, [f"{FORGED}, 198.51.100.7, 127.0.0.6"], "198.51.100.7", id="a lie to the first of two"),
]


@pytest.fixture(scope="module", params=[True, False], ids=["fast", "no fast"])
def caller_seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, HaproxyBackend]]:
    """A door behind what ``secretary up`` starts in each mode, with two kinds of proxies trusted."""
    folder, door, fast = tmp_path_factory.mktemp("front"), HaproxyBackend(), request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        environment = ray_environment(folder / "run", new_run_id(), fast=fast, frontend=HaproxyFrontend(TRUSTED))
    with served(door, environment["FORWARDED_ALLOW_IPS"]) as port:
        if not fast:
            yield f"http://127.0.0.1:{port}", door
            return
        with haproxy_before(folder, port, HaproxyFrontend(TRUSTED)) as url:
            yield url, door


@pytest.mark.parametrize(("source", "said", "believed"), CALLS)
def test_the_caller_is_the_last_address_that_is_no_trusted_proxy(
    caller_seen: tuple[str, HaproxyBackend], source: str, said: list[str], believed: str
) -> None:
    url, door = caller_seen
    headers = [("x-forwarded-for", each) for each in said] + [
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6"),
    ]
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
        assert client.get(url, headers=headers).is_success
    scope = door.asked[-1]
    assert scope["client"][0] == believed
    assert scope["scheme"] == ("https" if source == PROXY else "http")


def test_nobody_is_believed_unless_a_proxy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    believed = [ray_environment(tmp_path, new_run_id(), fast=fast)["FORWARDED_ALLOW_IPS"] for fast in (True, False)]
    assert believed == ["127.0.0.1", ""]


def test_a_socket_for_both_kinds_of_addresses_shows_a_proxy_as_itself_too(tmp_path: Path) -> None:
    trusted = (ip_network("10.0.0.0/8"), ip_network("fd00::/64"))
    believed = ray_environment(tmp_path, new_run_id(), fast=False, frontend=HaproxyFrontend(trusted))[
        "FORWARDED_ALLOW_IPS"
    ]
    assert believed == "10.0.0.0/8,fd00::/64,::ffff:10.0.0.0/104"
