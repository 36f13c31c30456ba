"""A client of ``served_office``, which may be killed at any time."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot
from tests.storage.served_office import MAX_LINE_BYTES, Json


class SocketOfficeClient:
    """An ``OfficeLink`` over a Unix socket. Raises Unavailable without a complete reply."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        async with self._request({"call": "snapshots", "after": after_revision, "subscriber": subscriber}) as replies:
            while True:
                yield Snapshot.model_validate((await _next(replies))["snapshot"])

    async def report(self, report: DoorReport) -> None:
        await self.call("report", report=report.model_dump(mode="json"))

    async def call(self, name: str, **arguments: object) -> Json:
        async with self._request({"call": name, **arguments}) as replies:
            return await _next(replies)

    async def wait_until_ready(self, seconds: float) -> None:
        """Waits until the office replies."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with self._request({"call": "open", "person": "nobody"}) as replies:
                        await _next(replies)
                        return
                except Unavailable:
                    await asyncio.sleep(0.01)

    @asynccontextmanager
    async def _request(self, line: Json) -> AsyncIterator[asyncio.StreamReader]:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=MAX_LINE_BYTES)
        except OSError:
            raise Unavailable("the office does not run") from None
        try:
            writer.write(json.dumps(line).encode() + b"\n")
            yield reader
        except OSError:
            raise Unavailable("the office was killed") from None
        finally:
            writer.close()


async def _next(replies: asyncio.StreamReader) -> Json:
    line = await replies.readline()
    if not line.endswith(b"\n"):
        raise Unavailable("the office was killed")
    found: Json = json.loads(line)
    if "error" in found:
        raise SecretaryError(f"{found['error']}: {found['message']}")
    return found
