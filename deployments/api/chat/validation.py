"""Rejection of chat options that are not supported, with the field that sets them."""

from collections.abc import Callable

from deployments.api.chat.schemas import ChatRequest
from deployments.contracts.errors import InvalidRequest

_Rule = tuple[Callable[[ChatRequest], object], str]

_ALLOWED_CHOICES = (None, "none", "auto")
_RULES: dict[str, _Rule] = {
    "n": (lambda r: r.n not in (None, 1), "Only n=1 is supported."),
    "logprobs": (lambda r: r.logprobs, "Log probabilities are not available."),
    "top_logprobs": (lambda r: r.top_logprobs, "Log probabilities are not available."),
    "logit_bias": (lambda r: r.logit_bias, "logit_bias is not supported."),
    "functions": (lambda r: r.functions, "functions are not supported: send tools."),
    "function_call": (
        lambda r: r.function_call not in _ALLOWED_CHOICES,
        "function_call is not supported: send tool_choice.",
    ),
    "web_search_options": (lambda r: r.web_search_options is not None, "Web search is not available."),
    "stream_options": (
        lambda r: r.stream_options is not None and not r.stream,
        "stream_options is only allowed when stream is true.",
    ),
    "modalities": (
        lambda r: r.wants_speech and r.audio is None,
        'modalities with "audio" need audio: {voice, format}.',
    ),
}


def validate_chat_request(request: ChatRequest, max_messages: int) -> None:
    """Raises InvalidRequest for the first unsupported option. Checks only fields that were sent."""
    for field in request.model_fields_set:
        rule = _RULES.get(field)
        if rule is not None and rule[0](request):
            raise InvalidRequest(rule[1], param="audio" if field == "modalities" else field)
    if len(request.messages) > max_messages:
        raise InvalidRequest(f"At most {max_messages} messages in one request.", param="messages")
