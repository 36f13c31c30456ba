"""Owns HAProxy for one start of the secretary: takes the configurations that Serve writes and keeps HAProxy running.

Serve's HAProxy manager is an actor that starts a program, names a configuration and asks the program's admin socket.
The program is the ``Launcher``. So neither a killed HAProxy nor a killed manager closes a door: the first is started
again with the same configuration, the second does not end HAProxy.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from deployments.command.haproxy.admin_socket import AdminSocket
from deployments.command.haproxy.configuration import (
    STARTING,
    HaproxySetup,
    route_prefixes,
    serve_admin_socket,
)
from deployments.command.haproxy.error_replies import ErrorReplies
from deployments.command.haproxy.launcher import Launcher, LaunchRequest
from deployments.command.haproxy.process import HaproxyProcess

log = logging.getLogger(__name__)

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0


class HaproxySupervisor:
    """Runs on a thread of its own between ``start`` and ``stop``. Closes ``listener`` at the end."""

    def __init__(self, setup: HaproxySetup, listener: socket.socket) -> None:
        self._setup = setup
        self._listener = listener
        self._launcher = Launcher(setup.folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="HAProxy", daemon=True)
        self._process = HaproxyProcess(setup)
        self._admin = AdminSocket(setup.admin_socket)
        self._applied = STARTING
        self._launcher_pidfd: int | None = None
        self._pipes: list[int] = []
        self._buffer = b""
        self._requests: asyncio.Queue[LaunchRequest] = asyncio.Queue()
        self._serving: asyncio.Task[None] | None = None

    @property
    def haproxy_pid(self) -> int | None:
        return self._process.pid

    @property
    def haproxy_count(self) -> int:
        """Living HAProxy processes. An older one accepts connections until it has seen the signal of its successor."""
        return self._process.living

    @property
    def program(self) -> Path:
        """What Serve starts as HAProxy."""
        return self._launcher.script

    def start(self) -> None:
        """Starts HAProxy, which answers 503 until Serve has named its routes. Raises RuntimeError."""
        self._launcher.write()
        ErrorReplies(self._setup.folder).write()
        pipes = (self._launcher.requests, self._launcher.console)
        self._pipes = [os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in pipes]
        self._thread.start()
        if not self._call(self._open(), _START_TIMEOUT_S):
            self.stop()
            raise RuntimeError("HAProxy does not start")

    def stop(self) -> None:
        """Ends HAProxy and its launcher. Idempotent."""
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self._call(self._close(), _STOP_TIMEOUT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_TIMEOUT_S)
        for pipe in self._pipes:
            os.close(pipe)
        self._pipes = []
        self._listener.close()

    def _call(self, work: Coroutine[Any, Any, Any], timeout_s: float) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    async def _open(self) -> bool:
        self._loop.add_reader(self._pipes[0], self._read_requests)
        self._serving = asyncio.create_task(self._serve_requests())
        return await self._process.apply(self._setup.edit(STARTING))

    async def _close(self) -> None:
        self._loop.remove_reader(self._pipes[0])
        if self._serving is not None:
            self._serving.cancel()
        self._admin.close()
        self._end_launcher()
        await self._process.stop()

    def _read_requests(self) -> None:
        *lines, self._buffer = (self._buffer + os.read(self._pipes[0], 65_536)).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                self._requests.put_nowait(LaunchRequest.parse(line.decode()))

    async def _serve_requests(self) -> None:
        while True:
            request = await self._requests.get()
            try:
                await self._serve(request)
            except Exception:
                log.exception("HAProxy's new configuration is not used")

    async def _serve(self, request: LaunchRequest) -> None:
        """Applies the configuration of ``request``. The launcher is ended when HAProxy refuses it."""
        pidfd = os.pidfd_open(request.pid)
        text = request.configuration.read_text()
        if not await self._apply(text):
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            os.close(pidfd)
            return
        self._end_launcher()
        self._launcher_pidfd = pidfd
        self._loop.add_reader(pidfd, self._on_launcher_end)
        await self._admin.open(serve_admin_socket(text), request.pid)

    async def _apply(self, text: str) -> bool:
        """Runs HAProxy with ``text``. A manager that has just started knows fewer routes, which then stay."""
        if not set(route_prefixes(text)) >= set(route_prefixes(self._applied)):
            return True
        if not await self._process.apply(self._setup.edit(text)):
            return False
        self._applied = text
        return True

    def _on_launcher_end(self) -> None:
        """Lets Serve replace the manager of a launcher that was killed."""
        self._admin.close()
        self._end_launcher()

    def _end_launcher(self) -> None:
        pidfd, self._launcher_pidfd = self._launcher_pidfd, None
        if pidfd is not None:
            self._loop.remove_reader(pidfd)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            os.close(pidfd)
