"""Turns the parsed chunks of one reply into events, and collects usage and finish reason."""

from collections.abc import Iterator
from typing import Any

import orjson

from deployments.contracts.chat import FinishReason
from deployments.contracts.events import TextDelta, ToolCallDelta
from deployments.contracts.provider_kinds import Dialect
from deployments.engines.cloud.failures import ProviderNames, from_error, malformed
from deployments.engines.cloud.litellm_library import ChunkParser, ProviderUsage
from deployments.engines.cloud.plain_text import plain_text

_DONE = b"[DONE]"
_FINISH_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class CloudReply:
    """``finish_reason`` is None until the provider has sent one, ``usage`` until it has reported it."""

    def __init__(self, parse: ChunkParser, names: ProviderNames, dialect: Dialect) -> None:
        self._parse = parse
        self._dialect = dialect
        self._names = names
        self.usage: ProviderUsage | None = None
        self.finish_reason: FinishReason | None = None
        self.done = False
        self.model = ""

    def read(self, data: bytes) -> Iterator[TextDelta | ToolCallDelta]:
        """The events of the data of one server-sent event. Raises ProviderFailed, ConversationTooLong."""
        if data.strip() == _DONE:
            self.done = True
            return
        chunk = self._decode(data)
        text = plain_text(self._dialect, chunk)
        if text is not None:
            if text:
                yield TextDelta(text)
            return
        try:
            parsed = self._parse(chunk)
        except Exception as error:
            raise malformed(self._names) from error
        if parsed is None:
            return
        self._read_usage(getattr(parsed, "usage", None))
        for choice in parsed.choices[:1]:
            yield from self._deltas(choice.delta)
            if choice.finish_reason:
                self.finish_reason = _FINISH_REASONS.get(choice.finish_reason, "stop")

    def _decode(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise malformed(self._names) from error
        if not isinstance(chunk, dict):
            raise malformed(self._names)
        error_object = chunk.get("error") or _choice_error(chunk)
        if error_object:
            raise from_error(self._names, error_object)
        return chunk

    def _deltas(self, delta: Any) -> Iterator[TextDelta | ToolCallDelta]:
        if delta.content:
            yield TextDelta(delta.content)
        for call in delta.tool_calls or ():
            function = call.function
            yield ToolCallDelta(call.index or 0, call.id or "", function.name or "", function.arguments or "")

    def _read_usage(self, usage: Any) -> None:
        """Anthropic reports the prompt first and the answer last; the counts of a provider only grow."""
        if usage is None:
            return
        before = self.usage or ProviderUsage(0, 0)
        details = getattr(usage, "prompt_tokens_details", None)
        cached = getattr(details, "cached_tokens", None) or 0
        cost = getattr(usage, "cost", None)
        self.usage = ProviderUsage(
            max(before.prompt_tokens, usage.prompt_tokens or 0),
            max(before.completion_tokens, usage.completion_tokens or 0),
            max(before.cached_tokens, cached),
            float(cost) if isinstance(cost, int | float) else before.cost,
        )


def _choice_error(chunk: dict[str, Any]) -> object:
    """OpenRouter reports a failure in mid-stream within a choice."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first.get("error") if isinstance(first, dict) else None
