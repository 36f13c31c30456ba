"""The part of ``session_workers`` in the worker process.

A target returns ``SessionHandler(open_session).answer``. ``open_session`` takes the header of ``open`` and returns the
session, whose ``answer`` is called for each of its calls. The child process loads this module.
"""

from collections.abc import Callable
from typing import Protocol

from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, ItemSender

UNKNOWN_SESSION = "unknown_session"


class Session(Protocol):
    def answer(self, header: Header, body: bytes) -> tuple[Header, bytes]: ...


class SessionHandler:
    """Keeps the sessions of one process."""

    def __init__(self, open_session: Callable[[Header], Session]) -> None:
        self._open_session = open_session
        self._sessions: dict[object, Session] = {}

    def answer(self, header: Header, body: bytes, sender: ItemSender) -> None:
        number = header["session"]
        if header["do"] == "open":
            self._sessions[number] = self._open_session(header)
        elif header["do"] == "close":
            self._sessions.pop(number, None)
        elif (session := self._sessions.get(number)) is None:
            raise CallError(UNKNOWN_SESSION, "the process of this session has ended")
        else:
            sender.put(*session.answer(header, body))
