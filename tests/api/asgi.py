"""Calls an ASGI application without a server, as Ray's direct ingress does: the task can be cancelled."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.api.running_gateway import KEY


@dataclass
class AsgiCall:
    """One request. ``sent`` are the messages received so far. Set ``disconnected`` to disconnect."""

    path: str
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    method: str = "POST"
    sent: list[dict[str, Any]] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    _read: bool = False

    def scope(self) -> dict[str, Any]:
        headers = [(b"authorization", b"Bearer " + KEY.encode()), *self.headers]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }

    async def receive(self) -> dict[str, Any]:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def wait_for_body(self) -> None:
        """Waits for the first part of the body."""
        while not any(message.get("body") for message in self.sent):
            await asyncio.sleep(0.005)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def json(self) -> Any:
        return orjson.loads(b"".join(message.get("body", b"") for message in self.sent))


def post_call(path: str, body: object) -> AsgiCall:
    return AsgiCall(path, orjson.dumps(body))
