"""Attacks over raw sockets and websockets."""

import contextlib
import json
import socket
import time
from collections.abc import Sequence

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.hostile.corpus.requests import SENDER_WAITS_S, Attack
from tests.hostile.target import Target


def half_sent_bodies(name: str, path: str, count: int, header_bytes: int) -> Attack:
    """``count`` connections that announce a body and send half of it."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: secretary\r\nContent-Type: application/json\r\n"
        f"X-Filler: {'a' * header_bytes}\r\nContent-Length: 200\r\n\r\n"
    )

    def send(target: Target) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    connection = stack.enter_context(socket.create_connection(("127.0.0.1", target.port), timeout=2))
                    connection.sendall(head.encode() + b'{"username": "')
            time.sleep(SENDER_WAITS_S / 2)

    return Attack(name, send)


def websocket(name: str, path: str, messages: Sequence[str | bytes], *, key: bool, repeat: int = 1) -> Attack:
    def send(target: Target) -> None:
        headers = target.key_headers if key else {}
        with (
            contextlib.suppress(OSError, WebSocketException, TimeoutError),
            connect(
                target.websocket_url + path,
                additional_headers=headers,
                proxy=None,
                open_timeout=SENDER_WAITS_S,
                close_timeout=0.1,
                compression=None,
            ) as line,
        ):
            for _ in range(repeat):
                for message in messages:
                    line.send(message)
            deadline = time.monotonic() + SENDER_WAITS_S / 2
            while (left := deadline - time.monotonic()) > 0:
                line.recv(left)

    return Attack(name, send)


def speak(text: str) -> str:
    return json.dumps({"type": "speak", "id": "1", "text": text, "format": "alaw"})
