"""The admin socket that Serve talks to: passes commands to that of HAProxy and reports the launcher as its process.

HAProxy's protocol is one line, answered until the end of the connection (HAProxy management guide, 9.3).
"""

import asyncio
import re
from pathlib import Path

_PID = re.compile(rb"^Pid: \d+$", re.MULTILINE)


async def send_command(path: Path, command: bytes) -> bytes:
    """The reply of the HAProxy at the socket ``path``. Raises OSError."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(command)
        return await reader.read()
    finally:
        writer.close()


async def running_pid(path: Path) -> int | None:
    """The process id of the HAProxy at the socket ``path``; None when none answers."""
    try:
        found = _PID.search(await send_command(path, b"show info\n"))
    except OSError:
        return None
    return int(found[0].removeprefix(b"Pid: ")) if found else None


class AdminSocket:
    """Serves ``haproxy``, the socket of HAProxy, for one launcher at a time."""

    def __init__(self, haproxy: Path) -> None:
        self._haproxy = haproxy
        self._server: asyncio.Server | None = None
        self._launcher = 0

    async def open(self, path: Path, launcher: int) -> None:
        """Serves ``path`` on behalf of the process ``launcher``."""
        self.close()
        self._launcher = launcher
        self._server = await asyncio.start_unix_server(self._answer, path)

    def close(self) -> None:
        """Refuses connections, so that Serve sees its HAProxy as failed. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await send_command(self._haproxy, await reader.readline())
            writer.write(_PID.sub(b"Pid: %d" % self._launcher, reply))
            await writer.drain()
        except OSError:
            pass  # HAProxy is being restarted; Serve asks again
        finally:
            writer.close()
