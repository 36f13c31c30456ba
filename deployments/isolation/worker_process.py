"""One worker process: start, calls one after another, and its end."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from deployments.isolation.child_output import log_output
from deployments.isolation.errors import (
    CallRefused,
    WorkerDeadlinePassed,
    WorkerDied,
    WorkerError,
    WorkerLimitReached,
    WorkerNotStarted,
)
from deployments.isolation.frames import (
    MAX_HEADER_BYTES,
    PREFIX,
    Header,
    InvalidFrame,
    decode_header,
    encode_frame,
    frame_sizes,
)
from deployments.isolation.spec import WorkerSpec

Frame = tuple[Header, bytes]

_ROOT = Path(__file__).parents[2]
_INHERITED = ("SECRETARY_RUN_ID", "OMP_NUM_THREADS", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
"""The only variables of the parent that a child gets; others are secrets. By the first one its processes are found."""
_EXIT_TIMEOUT_S = 0.5


class WorkerProcess:
    """A child that runs one call at a time. ``start`` and ``stop`` are called once."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._abandoned: asyncio.Task[None] | None = None
        self._sizes: tuple[int, int] | None = None
        self._memory_ran_out = False
        self.calls = 0

    @property
    def alive(self) -> bool:
        if self._process is None or self._process.returncode is not None:
            return False
        return not (self._writer.is_closing() or self._reader.at_eof())

    @property
    def pid(self) -> int:
        """Of a started worker."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when the target is loaded. Raises WorkerNotStarted, or CallRefused for a CallError of the target."""
        ours, theirs = socket.socketpair()
        self._reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_HEADER_BYTES)
        with theirs:
            arguments = (str(theirs.fileno()), str(os.getpid()), self._spec.name)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-s", "-B", "-m", "deployments.isolation.child", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(),
                cwd="/",
                pass_fds=(theirs.fileno(),),
            )
        assert self._process.stdout is not None
        self._output = asyncio.create_task(log_output(self._process.stdout, self._spec.name))
        try:
            await self._load_target()
        except BaseException:
            self.kill()
            await self.stop()
            raise

    async def _load_target(self) -> None:
        try:
            async with asyncio.timeout(self._spec.start_timeout_s):
                self._writer.write(encode_frame(self._spec.start_frame()))
                header, _ = await self._read_frame()
        except TimeoutError:
            raise WorkerNotStarted(f"{self._spec.name} does not start in time") from None
        except WorkerError as error:
            raise WorkerNotStarted(f"{self._spec.name} does not start: {error}") from None
        _raise_refusal(header)

    async def call(self, header: Header, body: bytes = b"", *, deadline_s: float) -> AsyncGenerator[Frame]:
        """Yields the items of one call. ``deadline_s`` counts the time spent waiting for the worker.

        Raises WorkerDied, WorkerLimitReached, WorkerDeadlinePassed, CallRefused.
        """
        await self.settle()
        self.calls += 1
        number, ended = self.calls, False
        frame = encode_frame({"kind": "call", "id": number, "header": header}, body)
        try:
            self._writer.write(frame)
            while True:
                started = time.monotonic()
                answer, data = await self._await_frame(deadline_s)
                deadline_s -= time.monotonic() - started
                ended = answer["kind"] != "item"
                _raise_refusal(answer)
                if ended:
                    return
                item = answer.get("header")
                if not isinstance(item, dict):
                    raise await self._fail("an invalid frame")
                yield item, data
        finally:
            if not ended and self.alive:
                self._abandoned = asyncio.create_task(self._cancel_call(number))

    async def settle(self) -> None:
        """Returns when a call that was left has ended, or its process was killed."""
        if self._abandoned is not None:
            await asyncio.shield(self._abandoned)
            self._abandoned = None

    async def wait(self) -> None:
        """Returns when the process has ended."""
        assert self._process is not None
        await self._process.wait()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Closes the connection, which ends an idle child, and kills a busy one."""
        self._writer.close()
        if self._process is not None:
            try:
                async with asyncio.timeout(_EXIT_TIMEOUT_S):
                    await self._process.wait()
            except TimeoutError:
                self.kill()
                await self._process.wait()
        tasks = [task for task in (self._abandoned, self._output) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _await_frame(self, deadline_s: float) -> Frame:
        try:
            async with asyncio.timeout(deadline_s):
                return await self._read_frame()
        except TimeoutError:
            self.kill()
            raise WorkerDeadlinePassed(f"{self._spec.name} did not answer in time") from None

    async def _read_frame(self) -> Frame:
        """The next frame. May be cancelled: what was read stays in the buffer. Raises WorkerDied."""
        try:
            if self._sizes is None:
                self._sizes = frame_sizes(await self._reader.readexactly(PREFIX.size))
            header_size, body_size = self._sizes
            data = await self._reader.readexactly(header_size + body_size)
            self._sizes = None
            header = decode_header(data[:header_size])
        except (asyncio.IncompleteReadError, OSError):
            raise await self._ended() from None
        except InvalidFrame:
            raise await self._fail("an invalid frame") from None
        if header.get("kind") == "memory":
            self._memory_ran_out = True
            raise await self._ended()
        return header, data[header_size:]

    async def _fail(self, reason: str) -> WorkerDied:
        self.kill()
        await self.wait()
        return WorkerDied(self._spec.name, reason)

    async def _ended(self) -> WorkerDied:
        """The error that names the end of the process. Waits for it."""
        assert self._process is not None
        try:
            async with asyncio.timeout(_EXIT_TIMEOUT_S):
                code = await self._process.wait()
        except TimeoutError:
            return await self._fail("a closed connection")
        if self._memory_ran_out:
            return WorkerLimitReached(self._spec.name, "memory")
        if code == -signal.SIGXCPU:
            return WorkerLimitReached(self._spec.name, "CPU time")
        return WorkerDied(self._spec.name, _signal_name(-code) if code < 0 else f"exit code {code}")

    async def _cancel_call(self, number: int) -> None:
        """Tells the child that the caller has left. Kills it unless the call ends within the grace."""
        try:
            async with asyncio.timeout(self._spec.cancel_grace_s):
                self._writer.write(encode_frame({"kind": "cancel", "id": number}))
                while (await self._read_frame())[0].get("kind") == "item":
                    pass
        except (TimeoutError, WorkerError):
            self.kill()
            await self.wait()


def _environment() -> dict[str, str]:
    """One arena of malloc keeps the address space small."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    own = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "1"}
    return inherited | own


def _raise_refusal(header: Header) -> None:
    if header.get("kind") == "refused":
        raise CallRefused(str(header.get("code", "")), str(header.get("message", "")))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
