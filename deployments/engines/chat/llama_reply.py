"""Parses replies of llama.cpp: chunks of a streamed chat completion, embeddings and error objects."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployments.contracts.chat import EmbeddingVectors, FinishReason
from deployments.contracts.errors import ConversationTooLong, EngineFailed, InvalidRequest, SecretaryError, Unavailable
from deployments.contracts.events import TextDelta, ToolCallDelta, Usage
from deployments.engines.chat.forced_call import ForcedCall

_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "tool_calls": "tool_calls"}

FAILED = "llama.cpp failed"
REFUSED = "llama.cpp cannot use this request, or the JSON schema in it"
LlamaChunk = Mapping[str, Any]
"""A decoded ``chat.completion.chunk``, or ``{"error": {code, type, message}}``."""


class LlamaReply:
    """Collects the usage, the finish reason and the error of one streamed reply. The text of a reply that
    ``is_forced_call`` is a tool call."""

    def __init__(self, is_forced_call: bool = False) -> None:
        self._forced_call = ForcedCall() if is_forced_call else None
        self.has_started = False
        self.usage = Usage()
        self.finish_reason: FinishReason = "stop"
        self.error: SecretaryError | None = None

    def read(self, chunk: LlamaChunk) -> list[TextDelta | ToolCallDelta]:
        """The events of ``chunk``. Progress, role and closing chunks have none."""
        if "error" in chunk:
            self.error = translate_error(chunk["error"])
            return []
        if "usage" in chunk:
            self.usage = _usage(chunk["usage"])
        self.has_started = True
        events: list[TextDelta | ToolCallDelta] = []
        for choice in chunk.get("choices", ()):
            events += self._deltas(choice["delta"])
            if choice.get("finish_reason"):
                events += self._finish(choice["finish_reason"])
        return events

    def _deltas(self, delta: Mapping[str, Any]) -> Iterator[TextDelta | ToolCallDelta]:
        text = delta.get("content") or ""
        if self._forced_call is not None:
            yield from self._forced_call.feed(text)
        elif text:
            yield TextDelta(text)
        for call in delta.get("tool_calls") or ():
            function = call.get("function") or {}
            yield ToolCallDelta(
                call.get("index") or 0,
                call.get("id") or "",
                function.get("name") or "",
                function.get("arguments") or "",
            )

    def _finish(self, reason: str) -> Iterator[ToolCallDelta]:
        self.finish_reason = _FINISH_REASONS.get(reason, "stop")
        if self._forced_call is not None:
            complete = self.finish_reason == "stop"
            self.finish_reason = "tool_calls" if complete else self.finish_reason
            yield from self._forced_call.finish(complete)


def translate_error(error: Mapping[str, Any]) -> SecretaryError:
    """Translates an error object (llama.cpp tools/server/server-common.cpp, format_error_response). The message of a
    failure is left out: it may quote the request."""
    kind, message = error.get("type", ""), str(error.get("message", "unknown error"))
    if kind == "exceed_context_size_error":
        return ConversationTooLong(_too_long(error), param="messages")
    if kind in ("invalid_request_error", "not_supported_error"):
        return InvalidRequest(REFUSED)
    if kind == "unavailable_error":
        return Unavailable(f"llama.cpp is not available: {message}")
    return EngineFailed(FAILED)


def _too_long(error: Mapping[str, Any]) -> str:
    """llama.cpp's own message names its command-line options."""
    size, limit = error.get("n_prompt_tokens"), error.get("n_ctx")
    if not size or not limit:
        return "the conversation is too long for the model: send fewer or shorter messages"
    return f"the conversation has {size} tokens, and the model reads {limit}: send fewer or shorter messages"


def parse_vectors(reply: LlamaChunk) -> EmbeddingVectors:
    """The vectors of an embeddings reply in the order of the inputs. Raises the translated error of an error reply."""
    if "error" in reply:
        raise translate_error(reply["error"])
    rows = sorted(reply["data"], key=lambda row: int(row["index"]))
    return EmbeddingVectors(tuple(tuple(row["embedding"]) for row in rows), int(reply["usage"]["prompt_tokens"]))


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens", 0))
