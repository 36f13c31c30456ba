"""Runs blocking libraries on worker threads and returns their output as async streams.

``stream_from_callback`` is for libraries that call back while they work (llama.cpp, espeak-ng); one thread is busy for
the whole stream. ``stream_from_generator`` is for libraries that return a generator (Piper, Whisper); each step is a
separate job, so a slow reader holds no thread. A closed stream stops its work at the next item. Of the jobs that wait,
the one whose listener hears silence first is next.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from deployments.contracts.deadlines import DeadlineOrder, idle_places
from deployments.contracts.errors import Unavailable
from deployments.contracts.playout import Playout

_IDLE_DELAY_S = 0.05
"""Idle work begins so long after a piece for a listener: the next piece is asked for when that one has been read."""
ENGINE_NICENESS = 5
"""Engines leave the processor to the doors when both want it: a door's work is short, and everybody waits for it."""

T = TypeVar("T")
R = TypeVar("R")


class _StreamEnd:
    """The last queue item of a stream; ``error`` is what the work raised, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class StreamSender(Generic[T]):
    """Sends items from a worker thread to an async stream. At most ``limit`` items are buffered; None is unlimited."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int | None) -> None:
        self._loop = loop
        self._free_slots = None if limit is None else threading.Semaphore(limit)
        self._closed = threading.Event()
        self.queue: asyncio.Queue[T | _StreamEnd] = asyncio.Queue()

    @property
    def closed(self) -> bool:
        """True when the reader has closed the stream: the work should return."""
        return self._closed.is_set()

    def put(self, item: T) -> bool:
        """Sends ``item``; blocks while the buffer is full. Returns False when closed. Call from the worker thread."""
        if self._free_slots is not None and not self.closed:
            self._free_slots.acquire()
        if self.closed:
            return False
        self._send(item)
        return True

    def end(self, error: BaseException | None) -> None:
        """Ends the stream, with ``error`` if it is not None. Call from the worker thread."""
        self._send(_StreamEnd(error))

    def release_slot(self) -> None:
        """Frees the buffer slot of one item that was read. Call from the event loop."""
        if self._free_slots is not None:
            self._free_slots.release()

    def close(self) -> None:
        """Closes the stream; a blocked ``put`` returns False. Thread-safe and idempotent."""
        self._closed.set()
        self.release_slot()

    def _send(self, item: T | _StreamEnd) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)


def _lower_priority() -> None:
    """Of this thread and of those that a library starts on it. Only Linux knows a priority of single threads."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ENGINE_NICENESS)


@dataclass(eq=False, slots=True)
class _Job(Generic[R]):
    work: Callable[[], R]
    future: Future[R] = field(default_factory=Future)

    def run(self, ended: Callable[[bool], None]) -> None:
        """Calls ``ended`` before the result is there, with False when the job was cancelled instead."""
        if not self.future.set_running_or_notify_cancel():
            ended(False)
            return
        try:
            result = self.work()
        except BaseException as error:
            ended(True)
            self.future.set_exception(error)
        else:
            ended(True)
            self.future.set_result(result)


class WorkerThreads:
    """``count`` threads that serve one engine. The owner calls ``stop``.

    Jobs wait in a ``DeadlineOrder``; without a ``listener`` they are due when they come.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=_lower_priority)
        self._senders: set[StreamSender[Any]] = set()
        self._lock = threading.Condition()
        self._waiting: DeadlineOrder[_Job[Any]] = DeadlineOrder()
        self._listener_served_at = -_IDLE_DELAY_S
        self._free_idle = idle_places(count)
        self._live_jobs = 0
        self._stopping = False

    @property
    def live_streams(self) -> int:
        """Number of streams whose work is running or queued."""
        return self._live_jobs

    async def call(self, work: Callable[[], R], listener: Playout | None = None) -> R:
        """Runs ``work`` on a thread; returns its result or raises its error."""
        job = self._submit(work, listener)
        try:
            return await self._result(job)
        finally:
            self._cancel(job)

    async def stream_from_callback(
        self, work: Callable[[StreamSender[T]], None], limit: int | None = 64, listener: Playout | None = None
    ) -> AsyncGenerator[T, None]:
        """Yields the items that ``work`` puts into its sender.

        ``work`` returns when ``put`` returns False or ``closed`` is True. ``limit`` is the buffer size in items.
        """
        sender: StreamSender[T] = StreamSender(asyncio.get_running_loop(), limit)
        job = self._submit(lambda: _run(work, sender), listener)
        self._senders.add(sender)
        try:
            while not isinstance(item := await sender.queue.get(), _StreamEnd):
                sender.release_slot()
                yield item
            if item.error is not None:
                raise item.error
        finally:
            self._senders.discard(sender)
            sender.close()
            self._cancel(job)

    async def stream_from_generator(
        self,
        generate: Callable[[], Generator[T, None, None]],
        listener: Playout | None = None,
        count: Callable[[T], None] = lambda item: None,
    ) -> AsyncGenerator[T, None]:
        """Yields the items of a blocking generator, computed one step ahead of the reader. ``count`` is called with
        each item before the next step waits for a thread."""
        generator = generate()
        step = self._submit(lambda: next(generator, None), listener)
        try:
            while (item := await self._result(step)) is not None:
                count(item)
                step = self._submit(lambda: next(generator, None), listener)
                yield item
        finally:
            self._cancel(step)
            step.add_done_callback(lambda _: generator.close())

    async def stop(self) -> None:
        """Ends every stream with Unavailable and waits for the threads. Later calls raise Unavailable."""
        self._stopping = True
        for sender in tuple(self._senders):
            sender.end(self._stopping_error())
            sender.close()
        with self._lock:
            while (found := self._waiting.pop()) is not None:
                found[0].future.cancel()
            self._lock.notify_all()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], R], listener: Playout | None = None) -> Future[R]:
        if self._stopping:
            raise self._stopping_error()
        job = _Job(work)
        with self._lock:
            self._live_jobs += 1
            self._waiting.add(job, listener or Playout())
            self._lock.notify_all()
        self._pool.submit(self._run_waiting)
        return job.future

    def _run_waiting(self) -> None:
        """Runs jobs until none waits. Called once for each job, so that an idle job which waits for another one to end
        runs after it, on the same thread."""
        while (found := self._next_job()) is not None:
            job, listener = found
            job.run(partial(self._job_ended, listener))

    def _job_ended(self, listener: Playout, ran: bool) -> None:
        with self._lock:
            self._live_jobs -= ran  # a cancelled job was uncounted when it was cancelled
            self._free_idle += listener.idle
            if not listener.idle:
                self._listener_served_at = time.monotonic()

    def _next_job(self) -> tuple[_Job[Any], Playout] | None:
        """The most urgent job. None when no job waits, or idle ones that may not run now."""
        with self._lock:
            while True:
                delay_s = self._listener_served_at + _IDLE_DELAY_S - time.monotonic()
                found = self._waiting.pop(allow_idle=self._free_idle > 0 and delay_s <= 0)
                if found is not None:
                    self._free_idle -= found[1].idle
                    return found
                if not len(self._waiting) or delay_s <= 0:
                    return None
                self._lock.wait(delay_s)

    def _cancel(self, job: Future[R]) -> None:
        if job.cancel():  # a cancelled job never runs
            with self._lock:
                self._live_jobs -= 1

    async def _result(self, step: Future[R]) -> R:
        try:
            return await asyncio.wrap_future(step)
        except asyncio.CancelledError:
            if self._stopping and step.cancelled():
                raise self._stopping_error() from None
            raise

    def _stopping_error(self) -> Unavailable:
        return Unavailable(f"{self._name} is stopping")


def _run(work: Callable[[StreamSender[T]], None], sender: StreamSender[T]) -> None:
    try:
        work(sender)
    except BaseException as error:
        sender.end(error)
    else:
        sender.end(None)
