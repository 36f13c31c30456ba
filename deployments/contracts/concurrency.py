"""A bound on what is in progress at the same time, in all and for each owner."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, Self, TypeVar

from deployments.contracts.errors import Overloaded, RateLimited, SecretaryError

OwnerT = TypeVar("OwnerT", bound=Hashable)


class ConcurrencyLimit(Generic[OwnerT]):
    """Grants slots: at most ``total`` at once and ``per_owner`` of one owner; None means no bound.

    ``total_message`` and ``owner_message`` are the messages of the errors; ``{limit}`` in them stands for the bound.
    ``total_error`` is raised when all slots are taken.
    """

    def __init__(
        self,
        *,
        total: int | None = None,
        per_owner: int | None = None,
        total_message: str = "{limit} are in progress; try again in a moment",
        owner_message: str = "{limit} of yours are in progress",
        total_error: type[SecretaryError] = Overloaded,
        retry_after_s: float = 2.0,
    ) -> None:
        self._total = total
        self._per_owner = per_owner
        self._total_message = total_message
        self._owner_message = owner_message
        self._total_error = total_error
        self._retry_after_s = retry_after_s
        self._in_use = 0
        self._of_owner: Counter[OwnerT] = Counter()
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def in_use(self) -> int:
        """How many slots are taken."""
        return self._in_use

    @property
    def owners(self) -> int:
        """How many owners hold a slot."""
        return len(self._of_owner)

    def acquire(
        self, owner: OwnerT | None = None, *, total: int | None = None, per_owner: int | None = None
    ) -> "Slot[OwnerT]":
        """Takes a slot until it is released. ``total`` and ``per_owner`` replace the constructor's bounds in this call.

        Raises RateLimited when ``owner`` has all slots it may have, ``total_error`` when no slot is free.
        """
        bound = self._per_owner if per_owner is None else per_owner
        if owner is not None and bound is not None and self._of_owner[owner] >= bound:
            raise RateLimited(self._owner_message.format(limit=bound), retry_after_s=self._retry_after_s)
        bound = self._total if total is None else total
        if bound is not None and self._in_use >= bound:
            raise self._total_error(self._total_message.format(limit=bound), retry_after_s=self._retry_after_s)
        self._in_use += 1
        if owner is not None:
            self._of_owner[owner] += 1
        return Slot(self, owner)

    async def wait(
        self,
        wait_s: float,
        owner: OwnerT | None = None,
        *,
        total: int | None = None,
        per_owner: int | None = None,
    ) -> "Slot[OwnerT]":
        """Like ``acquire``, but waits up to ``wait_s`` seconds for a slot. As many may wait as there are slots."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            try:
                return self.acquire(owner, total=total, per_owner=per_owner)
            except self._total_error:
                if len(self._line) >= self._in_use or loop.time() >= deadline:
                    raise
            await self._wait_for_release(deadline)

    async def _wait_for_release(self, deadline: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except TimeoutError:
            return
        except asyncio.CancelledError:
            if turn not in self._line:
                self._wake_next()
            raise
        finally:
            if turn in self._line:
                self._line.remove(turn)

    def _wake_next(self) -> None:
        while self._line:
            if not (turn := self._line.popleft()).done():
                turn.set_result(None)
                return

    def _release(self, owner: OwnerT | None) -> None:
        self._in_use -= 1
        self._wake_next()
        if owner is None:
            return
        self._of_owner[owner] -= 1
        if not self._of_owner[owner]:
            del self._of_owner[owner]


class Slot(Generic[OwnerT]):
    """One taken slot; a context manager that releases it at its end."""

    __slots__ = ("_limit", "_owner", "_released")

    def __init__(self, limit: ConcurrencyLimit[OwnerT], owner: OwnerT | None) -> None:
        self._limit = limit
        self._owner = owner
        self._released = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Returns the slot. A second call does nothing."""
        if not self._released:
            self._released = True
            self._limit._release(self._owner)
