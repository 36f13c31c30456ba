"""A scripted chat engine: answers from a table, or repeats the question or the results of tools word by word.

Used by tests and by installations without a language model. One word with the space after it counts as one token.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, Field

from deployments.contracts.chat import ChatTurn, EmbeddingVectors, FinishReason, ToolCall
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnFinished, Usage
from deployments.contracts.speech import EngineStatus
from deployments.engines.base import AsyncEngine
from deployments.engines.chat.echo_schema import example_arguments, example_value
from deployments.engines.chat.embedding_limit import check_embedding_tokens
from deployments.engines.chat.stopwatch import Stopwatch
from deployments.engines.chat.turn_checks import (
    check_adapter,
    check_no_images,
    check_turn,
    parse_schema,
    parse_tool_schemas,
)
from deployments.engines.options import ChatEngineOptions, EngineOptions

_WORD = re.compile(r"\S+\s*")
_DIMENSIONS = 64


class ScriptedCall(BaseModel):
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class EchoOptions(ChatEngineOptions):
    first_delay_s: float = Field(default=0, ge=0, description="Wait before the first word, seconds")
    delay_s: float = Field(default=0, ge=0, description="Wait before every later word, seconds")
    script: dict[str, str] = Field(default_factory=dict, description="question (any case) -> answer")
    tool_script: dict[str, tuple[ScriptedCall, ...]] = Field(
        default_factory=dict, description="question (any case) -> calls of tools that the request offers"
    )
    adapters: tuple[str, ...] = Field(
        default=(), description="Names of adapters that may be chosen; they change nothing"
    )
    fail_after_words: int | None = Field(default=None, ge=0, description="Break with EngineFailed after so many words")
    fail_at_word: str | None = Field(default=None, description="Break with EngineFailed instead of saying this word")


class EchoEngine(AsyncEngine):
    """ChatEngine and Embedder without a model."""

    Options: ClassVar[type[EngineOptions]] = EchoOptions

    def __init__(self, options: EchoOptions) -> None:
        self._options = options
        self._model = options.model_id or "echo"
        self._script = {question.casefold(): answer for question, answer in options.script.items()}
        self._tool_script = {question.casefold(): calls for question, calls in options.tool_script.items()}
        super().__init__("chat", "echo", self._model)

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises InvalidRequest, Unavailable. EngineFailed in the stream when the options say so."""
        self._health.require_ready()
        check_turn(turn)
        check_adapter(turn, self._model, self._options.adapters)
        check_no_images(turn, self._model)
        if calls := self._calls(turn):
            return self._stream_calls(turn, calls)
        words, reason = _cut(self._answer(turn), turn.options.stop, turn.options.max_tokens)
        return self._stream(turn, words, reason)

    def status(self) -> EngineStatus:
        return replace(super().status(), adapters=self._options.adapters)

    async def embed(self, texts: tuple[str, ...], caller: str = "", max_tokens: int | None = None) -> EmbeddingVectors:
        """Unit vectors of hashed words. Word order does not matter."""
        words = sum(len(text.split()) for text in texts)
        check_embedding_tokens(words, max_tokens)
        return EmbeddingVectors(tuple(_bag_of_words(text) for text in texts), words)

    def _answer(self, turn: ChatTurn) -> str:
        text = "\n".join(_tool_results(turn)) or self._script.get(turn.question.casefold(), turn.question)
        if turn.options.json_schema is None:
            return text.removeprefix(turn.answer_prefix)
        return orjson.dumps(example_value(parse_schema(turn.options.json_schema), text)).decode()

    def _calls(self, turn: ChatTurn) -> list[ToolCall]:
        """The scripted calls of the question, before their results have arrived. A forced call that the script lacks
        gets example arguments."""
        tools = turn.tools.callable if turn.tools else ()
        schemas = dict(zip([tool.name for tool in tools], parse_tool_schemas(tools), strict=True))
        scripted = () if _tool_results(turn) else self._tool_script.get(turn.question.casefold(), ())
        calls = [(call.name, call.arguments) for call in scripted if call.name in schemas]
        if not calls and turn.tools and turn.tools.is_forced and tools:
            calls = [(tools[0].name, example_arguments(schemas[tools[0].name], turn.question))]
        if turn.tools and turn.tools.parallel is False:
            calls = calls[:1]
        return [
            ToolCall(f"call_{number}", name, orjson.dumps(arguments).decode())
            for number, (name, arguments) in enumerate(calls)
        ]

    async def _stream_calls(self, turn: ChatTurn, calls: list[ToolCall]) -> AsyncIterator[ChatEvent]:
        """Each call in two parts, as models send them."""
        stopwatch = Stopwatch()
        with self._live_stream():
            for index, call in enumerate(calls):
                await self._pause(index)
                stopwatch.first_token()
                yield ToolCallDelta(index, call.id, call.name)
                yield ToolCallDelta(index, arguments=call.arguments)
        usage = Usage(_prompt_words(turn), sum(len(_WORD.findall(call.arguments)) for call in calls))
        yield TurnFinished("tool_calls", usage, stopwatch.timings(), route="local", model=self._model)

    async def _stream(self, turn: ChatTurn, words: list[str], reason: FinishReason) -> AsyncIterator[ChatEvent]:
        stopwatch = Stopwatch()
        with self._live_stream():
            for index, word in enumerate(words):
                await self._pause(index)
                if word.strip() == self._options.fail_at_word:
                    raise EngineFailed(f"echo is configured to fail at the word {self._options.fail_at_word}")
                stopwatch.first_token()
                yield TextDelta(word)
            await self._pause(len(words))
        usage = Usage(_prompt_words(turn), len(words))
        yield TurnFinished(reason, usage, stopwatch.timings(), route="local", model=self._model)

    async def _pause(self, index: int) -> None:
        if index == self._options.fail_after_words:
            raise EngineFailed(f"echo is configured to fail after {index} words")
        await asyncio.sleep(self._options.delay_s if index else self._options.first_delay_s)


def _prompt_words(turn: ChatTurn) -> int:
    return sum(len(_WORD.findall(message.content)) for message in turn.messages)


def _tool_results(turn: ChatTurn) -> list[str]:
    """The results that follow the question."""
    last = max((n for n, message in enumerate(turn.messages) if message.role == "user"), default=-1)
    return [message.content for message in turn.messages[last + 1 :] if message.role == "tool"]


def _cut(text: str, stop: tuple[str, ...], max_tokens: int | None) -> tuple[list[str], FinishReason]:
    ends = [text.index(mark) for mark in stop if mark and mark in text]
    words = _WORD.findall(text[: min(ends)] if ends else text)
    if max_tokens is not None and len(words) > max_tokens:
        return words[:max_tokens], "length"
    return words, "stop"


def _bag_of_words(text: str) -> tuple[float, ...]:
    counts = [0.0] * _DIMENSIONS
    for word in text.casefold().split():
        counts[hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % _DIMENSIONS] += 1
    length = sum(count * count for count in counts) ** 0.5
    return tuple(count / length if length else 0.0 for count in counts)
