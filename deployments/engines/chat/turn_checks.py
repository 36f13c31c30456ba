"""Validates a chat turn before an engine opens a stream."""

import orjson

from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import InvalidRequest
from deployments.engines.chat.schema_limits import check_schema, check_schema_size


def check_turn(turn: ChatTurn) -> None:
    """Raises InvalidRequest for a turn without messages, for invalid Unicode, and for ``max_tokens`` below 1."""
    if not turn.messages:
        raise InvalidRequest("a turn needs at least one message", param="messages")
    for message in turn.messages:
        try:
            message.content.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest("message text is not valid Unicode", param="messages") from error
    if turn.options.max_tokens is not None and turn.options.max_tokens < 1:
        raise InvalidRequest("max_tokens must be at least 1", param="max_tokens")


def parse_schema(text: str) -> dict[str, object]:
    """Parses ``GenerationOptions.json_schema``. An empty schema accepts any object.

    Raises InvalidRequest, also for a schema over the limits of ``schema_limits``.
    """
    check_schema_size(text)
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the JSON schema is not JSON: {error}", param="response_format") from error
    if not isinstance(schema, dict):
        raise InvalidRequest("the JSON schema must be an object", param="response_format")
    check_schema(schema)
    return schema
