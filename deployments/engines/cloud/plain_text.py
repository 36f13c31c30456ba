"""Reads the commonest chunk of a stream, which holds only text, without the slower parsers of litellm."""

from collections.abc import Callable, Mapping
from typing import Any

from deployments.contracts.provider_kinds import Dialect

_TEXT_FIELDS = frozenset({"content", "role", "refusal"})
_CHUNK_FIELDS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})


def _openai(chunk: Mapping[str, Any]) -> str | None:
    (choice,) = chunk["choices"]
    delta = choice["delta"]
    is_plain = delta.keys() <= _TEXT_FIELDS and choice.get("finish_reason") is None and not chunk.get("usage")
    return delta["content"] if is_plain and not delta.get("refusal") else None


def _anthropic(chunk: Mapping[str, Any]) -> str | None:
    delta = chunk["delta"]
    return delta["text"] if chunk["type"] == "content_block_delta" and delta["type"] == "text_delta" else None


def _gemini(chunk: Mapping[str, Any]) -> str | None:
    """Every chunk counts tokens; the last one, with the finish reason, counts them all and is not plain."""
    (candidate,) = chunk["candidates"]
    (part,) = candidate["content"]["parts"]
    is_plain = part.keys() == {"text"} and not candidate.get("finishReason") and chunk.keys() <= _CHUNK_FIELDS
    return part["text"] if is_plain else None


_READERS: Mapping[Dialect, Callable[[Mapping[str, Any]], str | None]] = {
    Dialect.OPENAI: _openai,
    Dialect.ANTHROPIC: _anthropic,
    Dialect.GEMINI: _gemini,
}


def plain_text(dialect: Dialect, chunk: Mapping[str, Any]) -> str | None:
    """The text of ``chunk`` if it holds nothing else; None for every other chunk."""
    try:
        text = _READERS[dialect](chunk)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return text if isinstance(text, str) else None
