"""Answers a turn with the first of several models that works. An answer that breaks off is continued by the next one.

Before the first event of an answer the caller does not notice a failed model. After it, the next model gets the text so
far as ``answer_prefix`` and yields only what follows. Answers that cannot be continued (tool calls, JSON) end with the
error of their model.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace

from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import ConversationTooLong, EngineTimeout, SecretaryError, Unavailable
from deployments.contracts.events import TextDelta, ToolCallDelta
from deployments.contracts.provider_errors import another_route_may_answer
from deployments.contracts.providers import ChainPolicy
from deployments.contracts.streams import Closing, close_stream
from deployments.conversation.model_choice import ChatRoute
from deployments.conversation.route_breakers import RouteBreakers
from deployments.conversation.token_estimates import estimate_text_tokens

log = logging.getLogger(__name__)

OpenStream = Callable[[ChatRoute, ChatTurn], AsyncGenerator[ChatEvent]]


@dataclass(frozen=True, slots=True)
class RoutedEvent:
    """An event with the route whose model sent it."""

    route: ChatRoute
    event: ChatEvent


@dataclass(slots=True)
class _Attempt:
    """A model that was asked. ``first`` is its first event, once it has arrived."""

    route: ChatRoute
    events: AsyncGenerator[ChatEvent]
    first: ChatEvent | None = None


@dataclass(slots=True)
class _Answer:
    """What was delivered of an answer, and the models that failed."""

    turn: ChatTurn
    waiting: deque[ChatRoute]
    text: list[str] = field(default_factory=list)
    has_calls: bool = False
    errors: list[tuple[str, SecretaryError]] = field(default_factory=list)

    def add(self, event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            self.text.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self.has_calls = True

    @property
    def rest(self) -> ChatTurn:
        """The turn of the next model: the whole one, or the continuation of the delivered text."""
        if not self.text:
            return self.turn
        text, options = "".join(self.text), self.turn.options
        if options.max_tokens is not None:
            options = replace(options, max_tokens=max(1, options.max_tokens - estimate_text_tokens(text)))
        return replace(self.turn, answer_prefix=self.turn.answer_prefix + text, options=options)

    def may_go_on(self, error: SecretaryError, policy: ChainPolicy) -> bool:
        """Whether the next model may be asked after ``error``."""
        if not self.waiting or not _is_worth_another_route(error) or self.has_calls:
            return False
        return not self.text or (policy.continue_cut_answers and self.turn.options.json_schema is None)

    def failure(self) -> SecretaryError:
        """The error of the turn: what the request did wrong, that of its only model, or one that names each model."""
        last = self.errors[-1][1]
        if len(self.errors) == 1 or not _is_worth_another_route(last):
            return last
        reasons = "; ".join(f"{name}: {error.message[:200]}" for name, error in self.errors)
        waits = [error.retry_after_s for _, error in self.errors if error.retry_after_s is not None]
        return Unavailable(f"no model of the chain answers: {reasons}", retry_after_s=min(waits, default=None))


class ModelChain:
    """``breakers`` are shared by all turns of a process."""

    def __init__(self, breakers: RouteBreakers) -> None:
        self._breakers = breakers

    async def stream(
        self, routes: Sequence[ChatRoute], policy: ChainPolicy, turn: ChatTurn, open_stream: OpenStream
    ) -> AsyncGenerator[RoutedEvent]:
        """The answer of the first of ``routes`` that works. Raises the error of a single route, Unavailable when all of
        several failed."""
        answer = _Answer(turn, deque(self._breakers.order(routes)))
        while True:
            attempt = await self._first_to_answer(answer, policy, open_stream)
            try:
                async with Closing(attempt.events):
                    event = attempt.first
                    while event is not None:
                        answer.add(event)
                        yield RoutedEvent(attempt.route, event)
                        event = await anext(attempt.events, None)
                self._breakers.succeeded(attempt.route.name)
                return
            except SecretaryError as error:
                self._note(answer, attempt.route, error)
                if not answer.may_go_on(error, policy):
                    raise

    async def _first_to_answer(self, answer: _Answer, policy: ChainPolicy, open_stream: OpenStream) -> _Attempt:
        """Asks one model after the other until one sends its first event; with ``hedge_after_ms`` also a second one
        while the first is silent."""
        hedge_s = None if policy.hedge_after_ms is None else policy.hedge_after_ms / 1000
        running: dict[asyncio.Task[ChatEvent], _Attempt] = {}
        try:
            while running or answer.waiting:
                if not running:
                    _start_next(answer, policy, open_stream, running)
                can_hedge = answer.waiting and len(running) == 1
                done, _ = await asyncio.wait(
                    running, timeout=hedge_s if can_hedge else None, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    _start_next(answer, policy, open_stream, running)
                for task in done:
                    attempt = running.pop(task)
                    try:
                        attempt.first = task.result()
                        return attempt
                    except SecretaryError as error:
                        await close_stream(attempt.events)
                        self._note(answer, attempt.route, error)
                        if not running and not answer.may_go_on(error, policy):
                            raise answer.failure() from error
            raise answer.failure()
        finally:
            await _close_all(running)

    def _note(self, answer: _Answer, route: ChatRoute, error: SecretaryError) -> None:
        answer.errors.append((route.name, error))
        if another_route_may_answer(error):
            self._breakers.failed(route.name)
        if answer.waiting:
            log.warning("turn=%s route=%s failed with %s", answer.turn.turn_id, route.name, error.code)


def _is_worth_another_route(error: SecretaryError) -> bool:
    return another_route_may_answer(error) or isinstance(error, ConversationTooLong)


def _start_next(
    answer: _Answer, policy: ChainPolicy, open_stream: OpenStream, running: dict[asyncio.Task[ChatEvent], _Attempt]
) -> None:
    route = answer.waiting.popleft()
    attempt = _Attempt(route, open_stream(route, answer.rest))
    task = asyncio.create_task(_first_event(attempt, policy.step_timeout_s), name=f"first event of {route.name}")
    running[task] = attempt


async def _first_event(attempt: _Attempt, timeout_s: float | None) -> ChatEvent:
    try:
        async with asyncio.timeout(timeout_s):
            return await anext(attempt.events)
    except TimeoutError:
        raise EngineTimeout(f"{attempt.route.name} sent nothing for {timeout_s:g} seconds") from None


async def _close_all(running: dict[asyncio.Task[ChatEvent], _Attempt]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for attempt in running.values():
        await close_stream(attempt.events)
