"""The office as a door in another process sees it: an ``OfficeLink`` over a Unix socket that may break at any time."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.reports import DoorReport
from deployments.contracts.settings import Snapshot
from tests.storage.served_office import MAX_LINE_BYTES, Json


class SocketOfficeClient:
    """Raises Unavailable while nobody answers; an answer that did not arrive whole was no acknowledgement."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        async with self._asked({"call": "snapshots", "after": after_revision, "subscriber": subscriber}) as answers:
            while True:
                yield Snapshot.model_validate((await _next(answers))["snapshot"])

    async def report(self, report: DoorReport) -> None:
        await self.call("report", report=report.model_dump(mode="json"))

    async def call(self, name: str, **arguments: object) -> Json:
        async with self._asked({"call": name, **arguments}) as answers:
            return await _next(answers)

    async def wait_until_ready(self, seconds: float) -> None:
        """Waits until the office takes calls."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with self._asked({"call": "open", "person": "nobody"}) as answers:
                        await _next(answers)
                        return
                except Unavailable:
                    await asyncio.sleep(0.01)

    @asynccontextmanager
    async def _asked(self, line: Json) -> AsyncIterator[asyncio.StreamReader]:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=MAX_LINE_BYTES)
        except OSError:
            raise Unavailable("the office is away") from None
        try:
            writer.write(json.dumps(line).encode() + b"\n")
            yield reader
        except OSError:
            raise Unavailable("the office went away") from None
        finally:
            writer.close()


async def _next(answers: asyncio.StreamReader) -> Json:
    line = await answers.readline()
    if not line.endswith(b"\n"):
        raise Unavailable("the office went away")
    found: Json = json.loads(line)
    if "error" in found:
        raise SecretaryError(f"{found['error']}: {found['message']}")
    return found
