"""Answers under way in the office: each in a task of the office's own, which whoever asked only watches.

A client that goes away therefore still gets its answer stored. Tasks are bounded in time and in number, in all and for
each person, at most one for each conversation, and end with the office.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable

from deployments.contracts.concurrency import ConcurrencyLimit, Slot
from deployments.contracts.errors import Conflict, EngineTimeout, SecretaryError, Unavailable
from deployments.contracts.events import AnswerMatched, TextDelta, TurnEvent, TurnFailed, TurnFinished
from deployments.contracts.sessions import StoredMessage

log = logging.getLogger(__name__)

TurnUpdate = StoredMessage | AnswerMatched | TextDelta | TurnFinished | TurnFailed
"""The question as stored, the prepared answer that fits, pieces of the answer, then the answer as stored and who gave
it, or why there is none. An answer that was stopped ends with itself as stored, or with nothing."""


class RunningTurn:
    """What became known so far of one turn, that ``username`` asked for. Kept until nobody watches it any more."""

    def __init__(self, session_id: str, username: str) -> None:
        self.session_id = session_id
        self.username = username
        self.updates: list[TurnUpdate] = []
        self.error: SecretaryError | None = None
        self.ended = False
        self.keep_partial = False
        """What was said so far is kept when the turn is cancelled: somebody pressed stop."""
        self._changed = asyncio.Event()

    def add_update(self, update: TurnUpdate) -> None:
        self.updates.append(update)
        self._wake()

    def fail(self, error: SecretaryError) -> None:
        """Before any news this refuses the turn; later it is the last news."""
        self.error = error
        if self.updates:
            self.add_update(TurnFailed(error.code, error.message, error.retryable, error.status))

    def end(self) -> None:
        self.ended = True
        self._wake()

    async def wait_started(self) -> None:
        """Waits for the first news. Raises the error of a turn that was refused."""
        while not (self.updates or self.ended):
            await self._changed.wait()
        if not self.updates and self.error is not None:
            raise self.error

    async def watch(self) -> AsyncIterator[TurnUpdate]:
        """All news from the beginning until the turn ends. Leaving does not end the turn."""
        seen = 0
        while True:
            while seen < len(self.updates):
                seen += 1
                yield self.updates[seen - 1]
            if self.ended:
                return
            await self._changed.wait()

    async def wait_ended(self) -> None:
        """Waits for the end. Raises why there is no answer."""
        while not self.ended:
            await self._changed.wait()
        if self.error is not None:
            raise self.error

    async def wait_stored(self) -> tuple[StoredMessage, StoredMessage]:
        """Question and answer as stored. Raises why there is no answer."""
        await self.wait_ended()
        stored = [news for news in self.updates if isinstance(news, StoredMessage)]
        if len(stored) < 2:
            raise Unavailable("the answer was stopped before its first word")
        return stored[0], stored[-1]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


TurnWork = Callable[[RunningTurn], Awaitable[None]]


class RunningTurns:
    """Starts turns and ends them. At most ``max_turns`` run at once and ``max_per_user`` of one user, none longer
    than ``timeout_s`` seconds."""

    def __init__(self, max_turns: int = 32, timeout_s: float = 900.0, max_per_user: int = 4) -> None:
        self._limit = ConcurrencyLimit[str](
            total=max_turns,
            per_owner=max_per_user,
            total_message="{limit} answers are in progress; try again in a moment",
            owner_message="{limit} answers for you are in progress; wait for one or stop it",
        )
        self._timeout_s = timeout_s
        self._turns: dict[str, tuple[RunningTurn, asyncio.Task[None]]] = {}
        self._closed = False

    def start(self, session_id: str, username: str, work: TurnWork) -> RunningTurn:
        """Raises Conflict when the conversation has a turn under way, RateLimited when the person has too many,
        Overloaded when everybody has, Unavailable when closing."""
        if self._closed:
            raise Unavailable("the office is closing")
        self.require_idle(session_id)
        slot = self._limit.acquire(username)
        turn = RunningTurn(session_id, username)
        task = asyncio.create_task(self._run(turn, work, slot), name=f"turn of {session_id}")
        self._turns[session_id] = (turn, task)
        return turn

    def get(self, session_id: str) -> RunningTurn | None:
        """The turn under way in this conversation."""
        found = self._turns.get(session_id)
        return found[0] if found else None

    def require_idle(self, session_id: str) -> None:
        """Raises Conflict while an answer is under way there."""
        if session_id in self._turns:
            raise Conflict("an answer is under way in this conversation; wait for it or stop it")

    async def stop(self, session_ids: Iterable[str], *, keep_partial: bool = False) -> int:
        """Ends the turns of these conversations and waits for that; how many there were."""
        found = [self._turns[session_id] for session_id in session_ids if session_id in self._turns]
        for turn, task in found:
            turn.keep_partial = keep_partial
            task.cancel()
        await asyncio.gather(*(task for _, task in found), return_exceptions=True)
        return len(found)

    async def close(self) -> None:
        """Refuses new turns and ends those under way."""
        self._closed = True
        await self.stop(tuple(self._turns))

    async def _run(self, turn: RunningTurn, work: TurnWork, slot: Slot[str]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await work(turn)
        except SecretaryError as error:
            turn.fail(error)
        except TimeoutError:
            turn.fail(EngineTimeout(f"no complete answer within {self._timeout_s:.0f} s"))
        except asyncio.CancelledError:
            if not turn.keep_partial:
                turn.fail(Unavailable("the answer was broken off: the office is closing or the conversation is gone"))
            raise
        except Exception:
            log.exception("a turn of %s broke", turn.session_id)
            turn.fail(SecretaryError("Internal error."))
        finally:
            self._turns.pop(turn.session_id, None)
            slot.release()
            turn.end()


def turn_error(event: TurnFailed) -> SecretaryError:
    """The error that a failed turn stands for."""
    error = SecretaryError(event.message)
    error.code, error.status, error.retryable = event.code, event.status, event.retryable
    return error


async def closing_stream(events: AsyncIterator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
    """``events`` as a stream that can be closed, which closes what is behind it."""
    try:
        async for event in events:
            yield event
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
