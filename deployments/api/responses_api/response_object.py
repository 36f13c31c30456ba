"""The ``response`` object and its output items (OpenAI API, responses)."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.api.chat.collector import AnswerCollector
from deployments.api.responses_api.schemas import ResponsesRequest
from deployments.contracts.chat import ToolCall
from deployments.contracts.events import Usage

Fields = dict[str, object]
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_id(turn_id: str) -> str:
    return f"resp_{turn_id}"


@dataclass(frozen=True, slots=True)
class ResponseObject:
    """Renders the object of one request, at its start and at its end."""

    request: ResponsesRequest
    answer: AnswerCollector
    created: int

    def started(self) -> Fields:
        return self._fields("in_progress", [])

    def finished(self, output: list[Fields], completed_at: int) -> Fields:
        reason = self.incomplete_reason
        fields = self._fields("incomplete" if reason else "completed", output)
        fields["incomplete_details"] = {"reason": reason} if reason else None
        fields["completed_at"] = None if reason else completed_at
        return fields | {"usage": _usage(self.answer.usage), "secretary": self.answer.summary()}

    def failed(self, message: str, output: list[Fields]) -> Fields:
        return self._fields("failed", output) | {"error": {"code": "server_error", "message": message}}

    @property
    def incomplete_reason(self) -> str | None:
        return _INCOMPLETE.get(self.answer.finished.finish_reason) if self.answer.finished else None

    def _fields(self, status: str, output: list[Fields]) -> Fields:
        request = self.request
        return {
            "id": response_id(self.answer.turn_id),
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "metadata": request.metadata or {},
            "model": request.model,
            "output": output,
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": request.previous_response_id,
            "reasoning": {"effort": None, "summary": None},
            "store": request.store is not False,
            "temperature": request.temperature,
            "text": {"format": _format(request)},
            "tool_choice": request.tool_choice or "auto",
            "tools": [{"strict": None, "parameters": None, **tool} for tool in request.tools or ()],
            "top_p": request.top_p,
            "truncation": "disabled",
            "usage": None,
        }


def message_item(turn_id: str, text: str, status: str = "completed") -> Fields:
    """The answer in words. A started one has no content yet."""
    content = [] if status == "in_progress" else [text_part(text)]
    return {"id": f"msg_{turn_id}", "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str) -> Fields:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def call_item(turn_id: str, index: int, call: ToolCall, status: str = "completed") -> Fields:
    return {
        "id": f"fc_{turn_id}_{index}",
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def output_items(turn_id: str, text: str, calls: Sequence[ToolCall], status: str = "completed") -> list[Fields]:
    """The answer as items; without words or calls an empty message."""
    words = [message_item(turn_id, text, status)] if text or not calls else []
    return words + [call_item(turn_id, index, call, status) for index, call in enumerate(calls)]


def _format(request: ResponsesRequest) -> Fields:
    given = request.text.format if request.text else None
    if given is None or given.type != "json_schema":
        return {"type": given.type if given else "text"}
    return {"type": "json_schema", "name": given.name, "schema": given.definition, "strict": bool(given.strict)}


def _usage(usage: Usage) -> Fields:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }
