"""Bodies of ``chat.completion`` and ``chat.completion.chunk`` (OpenAI API, chat)."""

import base64
from collections.abc import Sequence

import orjson

from deployments.api.chat.collector import AnswerCollector
from deployments.contracts.chat import ToolCall
from deployments.contracts.events import ToolCallDelta, Usage

_OBJECT, _CHUNK = "chat.completion", "chat.completion.chunk"


def audio_id(turn_id: str) -> str:
    return f"audio_{turn_id}"


def text_message(text: str, calls: Sequence[ToolCall] = ()) -> dict[str, object]:
    """The assistant message of a written answer. ``content`` is null when it consists of tool calls alone."""
    message: dict[str, object] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    if not calls:
        return message
    return message | {"content": text or None, "tool_calls": [_call_fields(call) for call in calls]}


def _call_fields(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def call_delta_fields(call: ToolCallDelta) -> dict[str, object]:
    """An item of ``tool_calls`` in a chunk: id, type and name stand in the first part of a call only."""
    if not call.id:
        return {"index": call.index, "function": {"arguments": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": call.index, "id": call.id, "type": "function", "function": function}


def spoken_message(transcript: str, audio_bytes: bytes, turn_id: str, now: int) -> dict[str, object]:
    """The assistant message of a spoken answer. Audio is not stored, so ``expires_at`` is now."""
    audio = {
        "id": audio_id(turn_id),
        "data": base64.b64encode(audio_bytes).decode(),
        "transcript": transcript,
        "expires_at": now,
    }
    return {"role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": audio}


def completion(message: dict[str, object], answer: AnswerCollector, model: str, created: int) -> bytes:
    """The body of a complete answer."""
    reason = answer.finished.finish_reason if answer.finished else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return orjson.dumps(
        {
            "id": f"chatcmpl-{answer.turn_id}",
            "object": _OBJECT,
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": usage_fields(answer.usage),
            "system_fingerprint": _fingerprint(answer),
            "secretary": answer.summary(),
        }
    )


def usage_fields(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


class CompletionChunks:
    """Renders the server-sent events of one streamed answer. Shared fields are serialised once."""

    def __init__(self, answer: AnswerCollector, model: str, created: int, include_usage: bool) -> None:
        self._answer = answer
        self._include_usage = include_usage
        shared = {
            "id": f"chatcmpl-{answer.turn_id}",
            "object": _CHUNK,
            "created": created,
            "model": model,
            "system_fingerprint": _fingerprint(answer),
        }
        self._head = b"data: " + orjson.dumps(shared)[:-1]
        self._usage = b',"usage":null' if include_usage else b""
        self._delta = self._head + self._usage + b',"choices":[{"index":0,"delta":'

    def delta(self, delta: dict[str, object]) -> bytes:
        return self._delta + orjson.dumps(delta) + b',"logprobs":null,"finish_reason":null}]}\n\n'

    def text(self, text: str) -> bytes:
        return self.delta({"content": text})

    def tool_call(self, call: ToolCallDelta) -> bytes:
        return self.delta({"tool_calls": [call_delta_fields(call)]})

    def end(self) -> bytes:
        """The last events: finish reason, usage if requested, and ``[DONE]``."""
        reason = self._answer.finished.finish_reason if self._answer.finished else "stop"
        last = b'{},"logprobs":null,"finish_reason":' + orjson.dumps(reason) + b"}]"
        return self._delta + last + self._closing() + self._usage_chunk() + b"data: [DONE]\n\n"

    def _usage_chunk(self) -> bytes:
        if not self._include_usage:
            return b""
        usage = orjson.dumps(usage_fields(self._answer.usage))
        return self._head + b',"choices":[],"usage":' + usage + self._closing()

    def _closing(self) -> bytes:
        return b',"secretary":' + orjson.dumps(self._answer.summary()) + b"}\n\n"


def _fingerprint(answer: AnswerCollector) -> str:
    return f"fp_{answer.revision}"
