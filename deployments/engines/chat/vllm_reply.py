"""Translates the output of vLLM: text, tool calls, usage, the reason of the end, and errors."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployments.contracts.chat import FinishReason
from deployments.contracts.errors import (
    ConversationTooLong,
    EngineFailed,
    InvalidRequest,
    Overloaded,
    SecretaryError,
)
from deployments.contracts.events import TextDelta, ToolCallDelta, Usage
from deployments.engines.chat.forced_call import ForcedCall

if TYPE_CHECKING:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.outputs import CompletionOutput, RequestOutput
    from vllm.parser import Parser

_LENGTH_PARAMETERS = ("input_text", "input_tokens", "prompt", "prompt_token_ids")
_ENDED_EARLY = ("abort", "error")


class VllmReply:
    """Reads the outputs of one request. Collects its usage and its finish reason.

    ``parser`` recognises tool calls in the format of the model. Without it, text is text, or the JSON of a forced call.
    """

    def __init__(self, request: "ChatCompletionRequest", parser: "Parser | None" = None, *, is_forced: bool) -> None:
        self._request = request
        self._parser = parser
        self._forced_call = ForcedCall() if is_forced else None
        self._has_calls = False
        self.usage = Usage()
        self.finish_reason: FinishReason = "stop"

    def read(self, output: "RequestOutput") -> Iterator[TextDelta | ToolCallDelta]:
        """Raises EngineFailed when vLLM gave the request up."""
        part = output.outputs[0]
        if part.finish_reason in _ENDED_EARLY:
            raise EngineFailed(f"vLLM gave the answer up: {part.finish_reason}")
        self._count(output, len(part.token_ids))
        yield from self._deltas(output, part)
        if part.finish_reason is not None:
            yield from self._finish(part.finish_reason)

    def _count(self, output: "RequestOutput", tokens: int) -> None:
        self.usage = Usage(
            len(output.prompt_token_ids or ()),
            self.usage.completion_tokens + tokens,
            output.num_cached_tokens or 0,
        )

    def _deltas(self, output: "RequestOutput", part: "CompletionOutput") -> Iterator[TextDelta | ToolCallDelta]:
        if self._forced_call is not None:
            yield from self._forced_call.feed(part.text)
        elif self._parser is not None:
            yield from self._parsed(self._parser, output, part)
        elif part.text:
            yield TextDelta(part.text)

    def _parsed(
        self, parser: "Parser", output: "RequestOutput", part: "CompletionOutput"
    ) -> Iterator[TextDelta | ToolCallDelta]:
        message = parser.parse_delta(
            part.text,
            list(part.token_ids),
            self._request,
            output.prompt_token_ids,
            finished=part.finish_reason is not None,
        )
        if message is None:
            return
        if message.content:
            yield TextDelta(message.content)
        for call in message.tool_calls:
            if call.index and self._request.parallel_tool_calls is False:
                continue
            self._has_calls = True
            function = call.function
            yield ToolCallDelta(
                call.index,
                call.id or "",
                (function.name if function else "") or "",
                (function.arguments if function else "") or "",
            )

    def _finish(self, reason: str) -> Iterator[ToolCallDelta]:
        is_complete = reason != "length"
        if self._forced_call is not None:
            yield from self._forced_call.finish(is_complete)
        calls = self._has_calls or self._forced_call is not None
        self.finish_reason = "length" if not is_complete else "tool_calls" if calls else "stop"


def translate_error(error: Exception, max_model_len: int) -> SecretaryError:
    """The error of a caller for what vLLM raised while it rendered or answered a request."""
    from jinja2 import TemplateError
    from vllm.exceptions import GracefulHTTPError, VLLMClientError, VLLMValidationError
    from vllm.v1.engine.exceptions import EngineDeadError

    cause = error.__cause__ or error
    if isinstance(cause, SecretaryError):
        return cause
    if isinstance(error, VLLMValidationError) and error.parameter in _LENGTH_PARAMETERS:
        return too_long(max_model_len)
    if isinstance(error, TemplateError):
        return InvalidRequest(f"the chat template of the model refuses this conversation: {error}", param="messages")
    if isinstance(error, VLLMClientError | ValueError):  # their text may quote the request
        return InvalidRequest("vLLM cannot use this request, or the JSON schema in it")
    if isinstance(error, GracefulHTTPError):
        return Overloaded("vLLM has too many requests", retry_after_s=1)
    if isinstance(error, EngineDeadError):
        return EngineFailed("the engine process of vLLM ended unexpectedly")
    return EngineFailed(f"vLLM failed: {type(cause).__name__}")


def too_long(max_model_len: int) -> ConversationTooLong:
    return ConversationTooLong(
        f"the conversation is too long for the model: it may have {max_model_len} tokens with its answer",
        param="messages",
    )
