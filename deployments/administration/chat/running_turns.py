"""Chat turns of the office. Each runs in a task of its own, and clients watch its updates.

The answer is therefore stored when the client disconnects. A conversation has at most one running turn. The number of
turns is limited in all and for each user, their duration is limited, and they end when the office closes.
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
"""In this order: the stored question, the matched FAQ answer if any, text deltas, then the stored answer and
``TurnFinished``, or ``TurnFailed``. A stopped turn ends with the stored partial answer, or with nothing."""


class RunningTurn:
    """The updates of one turn that ``username`` started. Any number of watchers may read them."""

    def __init__(self, session_id: str, username: str) -> None:
        self.session_id = session_id
        self.username = username
        self.updates: list[TurnUpdate] = []
        self.error: SecretaryError | None = None
        self.ended = False
        self.keep_partial = False
        """Store the partial answer when the turn is cancelled, because a user pressed stop."""
        self._changed = asyncio.Event()

    def add_update(self, update: TurnUpdate) -> None:
        self.updates.append(update)
        self._wake()

    def fail(self, error: SecretaryError) -> None:
        """Refuses the turn before its first update; after that, the error is its last update."""
        self.error = error
        if self.updates:
            self.add_update(TurnFailed(error.code, error.message, error.retryable, error.status))

    def end(self) -> None:
        self.ended = True
        self._wake()

    async def wait_started(self) -> None:
        """Waits for the first update. Raises the error of a refused turn."""
        while not (self.updates or self.ended):
            await self._changed.wait()
        if not self.updates and self.error is not None:
            raise self.error

    async def watch(self) -> AsyncIterator[TurnUpdate]:
        """Yields every update from the first one until the turn ends. Closing the iterator does not end the turn."""
        seen = 0
        while True:
            while seen < len(self.updates):
                seen += 1
                yield self.updates[seen - 1]
            if self.ended:
                return
            await self._changed.wait()

    async def wait_ended(self) -> None:
        """Waits for the end. Raises the error of a turn without an answer."""
        while not self.ended:
            await self._changed.wait()
        if self.error is not None:
            raise self.error

    async def wait_stored(self) -> tuple[StoredMessage, StoredMessage]:
        """Waits for the end and returns the stored question and answer. Raises the error of a turn without an
        answer."""
        await self.wait_ended()
        stored = [update for update in self.updates if isinstance(update, StoredMessage)]
        if len(stored) < 2:
            raise Unavailable("the answer was stopped before it began")
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
        """The running turn of this conversation, or None."""
        found = self._turns.get(session_id)
        return found[0] if found else None

    def require_idle(self, session_id: str) -> None:
        """Raises Conflict while the conversation has a running turn."""
        if session_id in self._turns:
            raise Conflict("an answer is being generated in this conversation; wait for it or stop it")

    async def stop(self, session_ids: Iterable[str], *, keep_partial: bool = False) -> int:
        """Cancels the running turns of these conversations, waits for their end and returns how many there were."""
        found = [self._turns[session_id] for session_id in session_ids if session_id in self._turns]
        for turn, task in found:
            turn.keep_partial = keep_partial
            task.cancel()
        await asyncio.gather(*(task for _, task in found), return_exceptions=True)
        return len(found)

    async def close(self) -> None:
        """Refuses new turns and cancels the running ones."""
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
                turn.fail(
                    Unavailable("the answer was interrupted: the office is closing or the conversation was deleted")
                )
            raise
        except Exception:
            log.exception("a turn of %s failed", turn.session_id)
            turn.fail(SecretaryError("Internal error."))
        finally:
            self._turns.pop(turn.session_id, None)
            slot.release()
            turn.end()


def turn_error(event: TurnFailed) -> SecretaryError:
    """The error that ``event`` reports."""
    error = SecretaryError(event.message)
    error.code, error.status, error.retryable = event.code, event.status, event.retryable
    return error


async def closing_stream(events: AsyncIterator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
    """Yields ``events``; closing the generator closes ``events`` too."""
    try:
        async for event in events:
            yield event
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
