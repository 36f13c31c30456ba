"""Goes on with an answer whose connection broke: the provider continues the text, over another proxy."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEngine, ChatEvent
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnFinished
from deployments.contracts.provider_errors import AnswerCut
from deployments.contracts.streams import Closing
from deployments.engines.adapters import EngineAdapter
from deployments.engines.chat.stopwatch import Stopwatch

_CHARACTERS_PER_TOKEN = 4


class ResumingChatEngine(EngineAdapter[ChatEngine]):
    """A chat engine that is asked again when an answer is cut off, up to ``attempts`` times, with the text so far as
    ``answer_prefix``. Answers with tool calls, and JSON of which a part was sent, are not continued.

    ``estimate_cost`` gets prompt and completion tokens. The usage that the provider did not report is estimated.
    """

    def __init__(self, engine: ChatEngine, attempts: int, estimate_cost: Callable[[int, int], float]) -> None:
        super().__init__(engine)
        self._attempts = attempts
        self._estimate_cost = estimate_cost

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises the errors of the inner engine."""
        return self._resumed(turn, self._engine.stream(turn))

    async def _resumed(self, turn: ChatTurn, events: AsyncIterator[ChatEvent]) -> AsyncIterator[ChatEvent]:
        stopwatch, text, lost, has_calls, left = Stopwatch(), "", 0, False, self._attempts
        while True:
            try:
                async with Closing(events):
                    async for event in events:
                        if isinstance(event, TextDelta):
                            text += event.text
                            stopwatch.first_token()
                        elif isinstance(event, ToolCallDelta):
                            has_calls = True
                        elif isinstance(event, TurnFinished) and left < self._attempts:
                            event = self._completed(event, lost, stopwatch)
                        yield event
                return
            except AnswerCut:
                if not left or has_calls or (text and turn.options.json_schema is not None):
                    raise
            left -= 1
            lost = len(text) // _CHARACTERS_PER_TOKEN
            events = self._engine.stream(_rest(turn, text, lost))

    def _completed(self, event: TurnFinished, lost: int, stopwatch: Stopwatch) -> TurnFinished:
        usage = event.usage
        cost = usage.cost + (self._estimate_cost(usage.prompt_tokens, lost) if lost else 0.0)
        completion = usage.completion_tokens + lost
        return replace(
            event,
            usage=replace(usage, completion_tokens=completion, cost=cost, estimated=True),
            timings=stopwatch.timings(),
        )


def _rest(turn: ChatTurn, text: str, tokens: int) -> ChatTurn:
    """The continuation of ``text``, or the whole turn when nothing was sent."""
    options = turn.options
    if options.max_tokens is not None:
        options = replace(options, max_tokens=max(1, options.max_tokens - tokens))
    return replace(turn, answer_prefix=turn.answer_prefix + text, options=options)
