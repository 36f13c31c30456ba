"""Runs HAProxy as a child of this process and starts it again when it ends.

The listening socket belongs to this process. While HAProxy is started again or replaced, new connections wait in the
queue of the socket and are not refused.
"""

import asyncio
import contextlib
import ctypes
import logging
import signal
from asyncio.subprocess import Process

from deployments.command.haproxy.admin_socket import running_pid
from deployments.command.haproxy.configuration import HaproxySetup

log = logging.getLogger(__name__)

_READY_TIMEOUT_S = 30.0
_POLL_S = 0.01
_RESTART_DELAY_S = 0.2
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


class HaproxyProcess:
    """The current HAProxy, and older ones that finish their connections.

    Each ends with the thread that started it (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(self, setup: HaproxySetup) -> None:
        self._setup = setup
        self._configuration = setup.folder / "edited.cfg"
        self._current: Process | None = None
        self._older: set[Process] = set()
        self._outputs: set[asyncio.Task[bytes]] = set()
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._current.pid if self._current else None

    @property
    def living(self) -> int:
        """How many processes live, older ones included."""
        processes = (*self._older, *filter(None, (self._current,)))
        return sum(process.returncode is None for process in processes)

    async def apply(self, text: str) -> bool:
        """Runs HAProxy with the configuration ``text``. False when HAProxy refuses it; the previous one then stays."""
        async with self._lock:
            before = self._configuration.read_text() if self._configuration.exists() else None
            self._configuration.write_text(text)
            started = await self._start()
            if started is None and before is not None:
                self._configuration.write_text(before)
            return started is not None

    async def stop(self) -> None:
        """Ends all processes and waits for them."""
        async with self._lock:
            if self._watcher is not None:
                self._watcher.cancel()
            processes = {*self._older, *filter(None, (self._current,))}
            for process in processes:
                _kill(process)
            for process in processes:
                await process.wait()
            self._current = None

    async def _start(self) -> Process | None:
        """Starts a process that takes over from the current one. None when it ends before it is ready."""
        old = self._current if self._current and self._current.returncode is None else None
        arguments = ["-db", "-f", str(self._configuration), *(("-sf", str(old.pid)) if old else ())]
        process = await asyncio.create_subprocess_exec(
            self._setup.binary,
            *arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(self._setup.listener_fd,),
            preexec_fn=_end_with_parent,
            start_new_session=True,  # Ctrl-C is for the console only
        )
        output = asyncio.create_task(_read_tail(process))
        self._outputs.add(output)
        output.add_done_callback(self._outputs.discard)
        if not await self._wait_until_ready(process):
            log.error("HAProxy did not start: %s", (await output).decode(errors="replace"))
            return None
        if old is not None:
            self._older = {each for each in (*self._older, old) if each.returncode is None}
        self._current = process
        if self._watcher is not None:
            self._watcher.cancel()
        self._watcher = asyncio.create_task(self._restart_when_ended(process))
        return process

    async def _wait_until_ready(self, process: Process) -> bool:
        """Waits until ``process`` answers on the admin socket. Ends it when it does not in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_TIMEOUT_S):
                while process.returncode is None:
                    if await running_pid(self._setup.admin_socket) == process.pid:
                        return True
                    await asyncio.sleep(_POLL_S)
        _kill(process)
        return False

    async def _restart_when_ended(self, process: Process) -> None:
        status = await process.wait()
        while True:
            async with self._lock:
                if self._current is not process:
                    return
                log.warning("HAProxy ended with status %s; starting it again", status)
                self._watcher = None  # this task; the new process gets its own
                if await self._start() is not None:
                    return
            await asyncio.sleep(_RESTART_DELAY_S)


async def _read_tail(process: Process) -> bytes:
    """The last lines that ``process`` writes to its standard error; reads until it ends."""
    assert process.stderr is not None
    tail = b""
    while piece := await process.stderr.read(4096):
        tail = (tail + piece)[-4096:]
    return tail


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _end_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
