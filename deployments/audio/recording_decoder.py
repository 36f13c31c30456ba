"""Decodes recordings in worker processes, window by window."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from deployments.audio.decode import INVALID_FILE
from deployments.audio.windows import WINDOW_S, cut_at_pauses
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import (
    EngineFailed,
    Overloaded,
    SecretaryError,
    TooLarge,
    Unavailable,
    UnsupportedAudio,
)
from deployments.contracts.memory_file import FileElsewhere, MemoryFileReference
from deployments.contracts.streams import Closing
from deployments.isolation.errors import (
    CallRefused,
    WorkerDeadlinePassed,
    WorkerDied,
    WorkerError,
    WorkerQueueFull,
)
from deployments.isolation.frames import MAX_BODY_BYTES, Header
from deployments.isolation.spec import WorkerLimits, WorkerSpec
from deployments.isolation.worker_pool import WorkerPool

_SPEC = WorkerSpec("decoder", "deployments.audio.decoding_worker:open_decoder", limits=WorkerLimits(memory_mb=1024))
_PROCESSES = 3
_LONG_RECORDINGS = 2
_MAX_QUEUED = 100
_DEADLINE_S, _DEADLINE_PER_SECOND = 60.0, 0.1
_ERRORS: dict[str, type[SecretaryError]] = {error.code: error for error in (TooLarge, UnsupportedAudio, FileElsewhere)}


class RecordingDecoder:
    """Decodes three files at once, two of them longer than a window, which keep their process while they are read.

    A file that ends a worker process, or needs more memory or CPU time than a recording, is refused.
    """

    def __init__(self, spec: WorkerSpec = _SPEC, window_s: float = WINDOW_S, processes: int = _PROCESSES) -> None:
        self._window_s = window_s
        self._pool = WorkerPool(spec, processes, spares=0, max_queued=_MAX_QUEUED)
        self._long_recordings = asyncio.Semaphore(_LONG_RECORDINGS)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the worker processes."""
        return self._pool.pids

    async def start(self) -> None:
        """Raises EngineFailed."""
        try:
            await self._pool.start()
        except WorkerError as error:
            raise EngineFailed(f"the audio decoder does not start: {error}") from error

    async def stop(self) -> None:
        await self._pool.stop()

    async def windows(self, file: bytes | MemoryFileReference, max_seconds: float) -> AsyncGenerator[bytes]:
        """Yields the audio of a file as PCM16 mono at 16 kHz, in windows of at most ``window_s`` seconds. The process
        that decodes a memory file opens it itself.

        Before the first window it raises UnsupportedAudio, TooLarge for more than ``max_seconds``, Unavailable, and
        FileElsewhere.
        """
        if isinstance(file, MemoryFileReference):
            file.check()
        seconds, _ = await self.measure(file, max_seconds)
        async with AsyncExitStack() as stack:
            if seconds > self._window_s:
                await stack.enter_async_context(self._long_recordings)
            call = self._call("decode", file, seconds, PCM16_16K.rate)
            blocks = await stack.enter_async_context(Closing(call))
            async for window in cut_at_pauses((block async for _, block in blocks), self._window_s):
                yield window

    async def measure(self, file: bytes | MemoryFileReference, max_seconds: float) -> tuple[float, int]:
        """The length of a file in seconds and its rate in Hz. Raises as ``windows``."""
        async with Closing(self._call("measure", file, max_seconds)) as items:
            async for header, _ in items:
                seconds, rate = header["seconds"], header["rate"]
                if isinstance(seconds, float) and isinstance(rate, int):
                    return seconds, rate
        raise UnsupportedAudio(INVALID_FILE, param="file")

    async def decode(self, file: bytes | MemoryFileReference, seconds: float, rate: int) -> bytes:
        """A file of ``seconds``, as PCM16 mono at ``rate`` Hz. Raises as ``windows``."""
        async with Closing(self._call("decode", file, seconds, rate)) as blocks:
            return b"".join([block async for _, block in blocks])

    async def _call(
        self, call: str, file: bytes | MemoryFileReference, seconds: float, rate: int = 0
    ) -> AsyncGenerator[tuple[Header, bytes]]:
        header: Header = {"call": call, "max_seconds": seconds, "rate": rate}
        data, size = (file, len(file)) if isinstance(file, bytes) else (b"", file.size)
        if size > MAX_BODY_BYTES:
            raise TooLarge(f"a recording has at most {MAX_BODY_BYTES >> 20} MiB", param="file")
        if isinstance(file, MemoryFileReference):
            header["file"] = file.to_fields()
        deadline_s = _DEADLINE_S + _DEADLINE_PER_SECOND * seconds
        try:
            async with Closing(self._pool.call(header, data, deadline_s=deadline_s)) as items:
                async for item in items:
                    yield item
        except WorkerError as error:
            raise _to_secretary_error(error) from error


def _to_secretary_error(error: WorkerError) -> SecretaryError:
    if isinstance(error, CallRefused):
        return _ERRORS.get(error.code, UnsupportedAudio)(error.message or INVALID_FILE, param="file")
    if isinstance(error, WorkerDied | WorkerDeadlinePassed) and not _was_killed(error):
        return UnsupportedAudio(INVALID_FILE, param="file")
    if isinstance(error, WorkerQueueFull):
        return Overloaded("too many recordings wait; try again in a moment", retry_after_s=5)
    return Unavailable("the audio decoder is starting", retry_after_s=2)


def _was_killed(error: WorkerError) -> bool:
    """Whether the process was ended from outside: by the end of the pool, or because the machine has no memory."""
    return isinstance(error, WorkerDied) and error.reason == "SIGKILL"
