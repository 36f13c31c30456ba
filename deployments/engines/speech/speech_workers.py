"""Sends text to espeak-ng in worker processes. The death of a worker costs its text at most.

The text is brought to a harmless shape first. If a worker dies all the same, the text is tried once again as plain
words.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from deployments.contracts.errors import EngineFailed, NoSound, Overloaded, Unavailable
from deployments.contracts.playout import Playout
from deployments.contracts.streams import Closing
from deployments.isolation.errors import (
    CallRefused,
    WorkerDeadlinePassed,
    WorkerDied,
    WorkerNotStarted,
    WorkerQueueFull,
)
from deployments.isolation.frames import Header
from deployments.isolation.spec import WorkerLimits, WorkerSpec
from deployments.isolation.worker_pool import WorkerPool
from deployments.isolation.worker_process import Frame
from deployments.text.phonemizable import phonemizable, plain_words

log = logging.getLogger(__name__)

_LIMITS = WorkerLimits(memory_mb=512, cpu_s=20)
_DEADLINE_S = 30.0
_MAX_QUEUED = 1_000  # the deployment bounds its requests
_ATTEMPTS: tuple[Callable[[str], str], ...] = (phonemizable, plain_words)


class SpeechWorkers:
    """One worker process of ``target`` and a spare one. ``start`` raises EngineFailed."""

    def __init__(self, name: str, target: str) -> None:
        self._name = name
        self._pool = WorkerPool(WorkerSpec(name, target, limits=_LIMITS), max_queued=_MAX_QUEUED)

    @property
    def live_calls(self) -> int:
        return self._pool.live_calls

    @property
    def pids(self) -> tuple[int, ...]:
        return self._pool.pids

    async def start(self) -> None:
        try:
            await self._pool.start()
        except (CallRefused, WorkerNotStarted) as error:
            raise EngineFailed(_message(error)) from error

    async def stop(self) -> None:
        await self._pool.stop()

    async def call(self, header: Header) -> list[Frame]:
        """All items of a call without a text. Raises EngineFailed, Unavailable."""
        with self._translated_errors():
            try:
                return [item async for item in self._pool.call(header, deadline_s=_DEADLINE_S)]
            except (WorkerDied, WorkerDeadlinePassed) as error:
                raise EngineFailed(str(error)) from error

    async def speak(self, text: str, header: Header, listener: Playout | None = None) -> AsyncGenerator[Frame]:
        """The items of a call with ``text`` as its body. ``listener`` decides which of the waiting calls is next.

        Raises NoSound when workers die of the text, Overloaded, Unavailable while the pool stops, and EngineFailed.
        """
        for shape in _ATTEMPTS:
            body = shape(text).encode("utf-8", "replace")
            delivered = False
            try:
                with self._translated_errors():
                    async with Closing(
                        self._pool.call(header, body, deadline_s=_DEADLINE_S, listener=listener)
                    ) as items:
                        async for item in items:
                            delivered = True
                            yield item
                return
            except (WorkerDied, WorkerDeadlinePassed) as error:
                log.warning("%s, while it read a text of %d characters", error, len(text))
                if not self._pool.running:
                    raise Unavailable(f"{self._name} is stopping") from None
                if delivered:
                    break
        raise NoSound("the text cannot be spoken")

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except WorkerQueueFull as error:
            raise Overloaded(str(error), retry_after_s=1) from None
        except WorkerNotStarted as error:
            raise Unavailable(str(error), retry_after_s=1) from None
        except CallRefused as error:
            raise EngineFailed(_message(error)) from None


def _message(error: Exception) -> str:
    return error.message or error.code if isinstance(error, CallRefused) else str(error)
