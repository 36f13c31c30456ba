"""Owns the core program of one pool of links: start on demand, restart with back-off, and its certain end."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from proxies.core_binary import CoreBinary, read_version
from proxies.core_check import answers
from proxies.core_config import CoreInbound, core_config
from proxies.core_output import Redaction, log_output
from proxies.errors import CoreFailed, ProxyError
from proxies.vless import VlessLink

log = logging.getLogger(__name__)

FindCore = Callable[[], CoreBinary]

_LAUNCHER = Path(__file__).with_name("core_launcher.py")
_INHERITED = ("SECRETARY_RUN_ID", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that the core gets; others may be secrets. By the first one ``secretary down`` finds it."""
_PORT_ATTEMPTS = 3
_POLL_S = 0.005
_STABLE_S = 10.0
_END_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class CoreTimings:
    """Seconds. The first restart is immediate, later ones wait twice as long each time."""

    start_timeout_s: float = 10.0
    first_wait_s: float = 0.5
    max_wait_s: float = 30.0


class ProxyCore:
    """The core that serves ``links``. Its configuration is written to its standard input, never to a file.

    ``find`` is called for each start, so that a core which is installed later is found.
    """

    def __init__(
        self,
        links: Sequence[VlessLink],
        find: FindCore,
        name: str = "core",
        timings: CoreTimings | None = None,
        clock: Callable[[], float] = time.monotonic,
        find_port: Callable[[], int] | None = None,
    ) -> None:
        self._find_port = find_port or free_port
        self._links = tuple(links)
        self._find = find
        self._name = name
        self._timings = timings or CoreTimings()
        self._clock = clock
        self._redact = Redaction(secret for link in links for secret in link.secrets)
        self._process: Process | None = None
        self._inbound = CoreInbound(0)
        self._watcher: asyncio.Task[None] | None = None
        self._output: asyncio.Task[str] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._started_at = 0.0
        self._stopped = False
        self.binary: CoreBinary | None = None
        self.error = ""
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def ensure(self) -> CoreInbound:
        """Where the core listens, once it answers. Raises CoreMissing, and CoreFailed also while it waits for the next
        restart."""
        if self.pid is not None:
            return self._inbound
        if self._starting is None or self._starting.done():
            if self._stopped:
                raise CoreFailed("it was stopped")
            if self._clock() < self._retry_at:
                raise CoreFailed(self.error)
            self._starting = asyncio.create_task(self._start(), name=f"start of {self._name}")
        await asyncio.shield(self._starting)  # a caller that leaves does not end the start
        return self._inbound

    async def await_end(self) -> None:
        """Waits up to a second for the end of a core that refuses connections: its sockets are closed before that."""
        if self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_TIMEOUT_S):
                    await self._process.wait()

    async def stop(self) -> None:
        """Kills the core with its group and waits for its end."""
        self._stopped = True
        tasks = [task for task in (self._watcher, self._starting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._process is not None:
            await self._end(self._process)

    async def _start(self) -> None:
        try:
            self.binary = binary = await read_version(self._find())
            process = await self._start_on_free_port(binary)
        except ProxyError as error:
            self._note_failure(error.message)
            raise
        self._process, self._started_at, self.error = process, self._clock(), ""
        self.starts += 1
        log.info("%s: %s %s started, process %d", self._name, binary.kind, binary.version, process.pid)
        self._watcher = asyncio.create_task(self._restart_when_ended(process), name=self._name)

    async def _start_on_free_port(self, binary: CoreBinary) -> Process:
        for _ in range(_PORT_ATTEMPTS):
            self._inbound = CoreInbound(self._find_port())
            process = await self._launch(binary)
            try:
                started = await self._wait_until_it_answers(process)
            except BaseException:
                await self._end(process)
                raise
            if started:
                return process
            reason = await self._end(process)
            if "address already in use" not in reason:
                break
        raise CoreFailed(f"{binary.kind} does not start: {reason or 'it does not answer'}")

    async def _launch(self, binary: CoreBinary) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *binary.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.defpath} | {name: os.environ[name] for name in _INHERITED if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._output = asyncio.create_task(log_output(process.stdout, self._redact, self._name))
        with suppress(ConnectionError):
            process.stdin.write(json.dumps(core_config(self._links, self._inbound, binary.kind)).encode())
            await process.stdin.drain()
        process.stdin.close()
        return process

    async def _wait_until_it_answers(self, process: Process) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timings.start_timeout_s):
                while process.returncode is None:
                    if await answers(self._inbound):
                        return True
                    await asyncio.sleep(_POLL_S)
        return False

    async def _end(self, process: Process) -> str:
        """Kills the group of ``process`` and returns the last line that it printed."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return await self._output if self._output is not None else ""

    async def _restart_when_ended(self, process: Process) -> None:
        status = await process.wait()
        reason = await self._end(process)
        log.warning("%s: the core ended with status %s", self._name, status)
        if self._clock() - self._started_at < _STABLE_S:
            self._note_failure(f"the core ended: {reason}")
        else:
            self._failures, self._retry_at = 0, 0.0
        while True:
            await asyncio.sleep(max(0.0, self._retry_at - self._clock()))
            with suppress(ProxyError):
                await self.ensure()
                return

    def _note_failure(self, reason: str) -> None:
        """The first failure costs no wait."""
        self.error = reason
        wait = self._timings.first_wait_s * 2 ** (self._failures - 1) if self._failures else 0.0
        self._failures = min(self._failures + 1, 30)
        self._retry_at = self._clock() + min(wait, self._timings.max_wait_s)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
