"""Parses replies of llama.cpp: chunks of a streamed chat completion, embeddings and error objects."""

from collections.abc import Mapping
from typing import Any, Literal

from deployments.contracts.chat import EmbeddingVectors, FinishReason
from deployments.contracts.errors import ConversationTooLong, EngineFailed, InvalidRequest, SecretaryError, Unavailable
from deployments.contracts.events import Usage

REFUSED = "llama.cpp cannot use this request, or the JSON schema in it"
LlamaChunk = Mapping[str, Any]
"""A decoded ``chat.completion.chunk``, or ``{"error": {code, type, message}}``."""


class LlamaReply:
    """Collects the usage, the finish reason and the error of one streamed reply."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.finish_reason: FinishReason = "stop"
        self.error: SecretaryError | None = None

    def read(self, chunk: LlamaChunk) -> str:
        """Returns the text of ``chunk``. Progress, role and closing chunks have none."""
        if "error" in chunk:
            self.error = translate_error(chunk["error"])
            return ""
        if "usage" in chunk:
            self.usage = _usage(chunk["usage"])
        text = ""
        for choice in chunk.get("choices", ()):
            text += choice["delta"].get("content") or ""
            if choice.get("finish_reason"):
                self.finish_reason = _finish_reason(choice["finish_reason"])
        return text


def translate_error(error: Mapping[str, Any]) -> SecretaryError:
    """Translates an error object (llama.cpp tools/server/server-common.cpp, format_error_response)."""
    kind, message = error.get("type", ""), str(error.get("message", "unknown error"))
    if kind == "exceed_context_size_error":
        return ConversationTooLong(f"the conversation is too long for the model: {message}", param="messages")
    if kind in ("invalid_request_error", "not_supported_error"):
        return InvalidRequest(REFUSED)
    if kind == "unavailable_error":
        return Unavailable(f"llama.cpp is not available: {message}")
    return EngineFailed(f"llama.cpp failed: {message}")


def parse_vectors(reply: LlamaChunk) -> EmbeddingVectors:
    """The vectors of an embeddings reply in the order of the inputs. Raises the translated error of an error reply."""
    if "error" in reply:
        raise translate_error(reply["error"])
    rows = sorted(reply["data"], key=lambda row: int(row["index"]))
    return EmbeddingVectors(tuple(tuple(row["embedding"]) for row in rows), int(reply["usage"]["prompt_tokens"]))


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens", 0))


def _finish_reason(reason: str) -> Literal["stop", "length"]:
    return "length" if reason == "length" else "stop"
