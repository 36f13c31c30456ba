"""Handlers of worker processes in tests: the header of a call says what to do."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler, ItemSender
from deployments.isolation.session_handler import SessionHandler


def open_actions(options: Header) -> Handler:
    if options.get("refuse"):
        raise CallError("no_library", "there is no library")
    if options.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda header, body, sender: ACTIONS[str(header["do"])](header, body, sender)


def _echo(header: Header, body: bytes, sender: ItemSender) -> None:
    sender.put({"pid": os.getpid(), "header": header}, body)


def _signal(header: Header, body: bytes, sender: ItemSender) -> None:
    sender.put({})
    os.kill(os.getpid(), int(str(header["signal"])))
    time.sleep(10)


def _send(header: Header, body: bytes, sender: ItemSender) -> None:
    while sender.put({}, b"x" * 65_536):
        pass


def _hang(header: Header, body: bytes, sender: ItemSender) -> None:
    sender.put({})
    time.sleep(60)


def _spin(header: Header, body: bytes, sender: ItemSender) -> None:
    while True:
        pass


def _allocate(header: Header, body: bytes, sender: ItemSender) -> None:
    sender.put({"kept": len([bytearray(1 << 20) for _ in range(4096)])})


def _refuse(header: Header, body: bytes, sender: ItemSender) -> None:
    raise CallError("unsupported", "no such format")


def _raise(header: Header, body: bytes, sender: ItemSender) -> None:
    raise ValueError(f"the text was {body!r}")


def _print(header: Header, body: bytes, sender: ItemSender) -> None:
    os.write(2, body)
    print(body, file=sys.stdout)


def _write(header: Header, body: bytes, sender: ItemSender) -> None:
    Path(str(header["path"])).write_bytes(body)


def _environment(header: Header, body: bytes, sender: ItemSender) -> None:
    sender.put({"names": sorted(os.environ)})


def _garbage(header: Header, body: bytes, sender: ItemSender) -> None:
    os.write(int(sys.argv[1]), b"\xff" * 64)
    time.sleep(60)


ACTIONS: dict[str, Callable[[Header, bytes, ItemSender], None]] = {
    "echo": _echo,
    "signal": _signal,
    "exit": lambda header, body, sender: os._exit(3),
    "send": _send,
    "hang": _hang,
    "spin": _spin,
    "allocate": _allocate,
    "refuse": _refuse,
    "raise": _raise,
    "print": _print,
    "write": _write,
    "environment": _environment,
    "garbage": _garbage,
}


class _Counter:
    def __init__(self, start: int) -> None:
        self._total = start
        self._heard = b""

    def answer(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        self._total += 1
        self._heard += body
        return {"total": self._total, "pid": os.getpid()}, self._heard


def open_counters(options: Header) -> Handler:
    """Sessions that count their calls."""
    return SessionHandler(lambda header: _Counter(int(str(header["from"])))).answer
