"""Request bodies: bounded in size and time, read, parsed as JSON and validated."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.types import Message, Receive, Scope

from deployments.api.errors import ClientGone, RequestTimeout, from_validation_error
from deployments.contracts.errors import InvalidRequest, TooLarge, UnsupportedMediaType

_MAX_JSON_DEPTH = 64
_MAX_JSON_VALUES = 100_000
"""Ten times the values of a chat of 500 messages with parts. Validation takes time and memory for each."""
MEGABYTE = 1_000_000
_KIBIBYTE = 1024
_LARGE_BYTES = 64 * _KIBIBYTE
BODY_MEMORY = "secretary.body_memory"
_MIN_BYTES_PER_S = 4 * _KIBIBYTE
"""Minimum average upload rate: half of a 64 kbit/s line. An upload of 25 MB may take 1 h 42 min."""
CLIENT_TIMEOUT_S = 30.0
"""How long to wait for a client to send the next part of its body, or to read the next part of a response."""


class RequestSchema(BaseModel):
    """Base of request bodies: strict types, unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


SchemaT = TypeVar("SchemaT", bound=RequestSchema)


class BodyMemory(Protocol):
    """The memory that is reserved for a request; under BODY_MEMORY in its ASGI scope."""

    def hold(self, size: int) -> None:
        """Raises RateLimited, Overloaded."""
        ...


def check_content_length(length: bytes | None, max_bytes: int) -> None:
    """Checks Content-Length. Raises TooLarge above ``max_bytes``, InvalidRequest when it is not a number."""
    if length is None:
        return
    if not length.isdigit():
        raise InvalidRequest("Content-Length is not a number.")
    if len(length) > 15 or int(length) > max_bytes:
        raise _too_large(max_bytes)


def limited_receive(
    receive: Receive, max_bytes: int, timeout_s: float = CLIENT_TIMEOUT_S, clock: Callable[[], float] = time.monotonic
) -> Receive:
    """Wraps ``receive``. The wrapper raises TooLarge after ``max_bytes`` bytes, and RequestTimeout when the next part
    of the body takes longer than ``timeout_s`` or when all waits together exceed ``timeout_s`` plus one second per
    4 KiB received. Time that the application spends between calls does not count."""
    left, remaining_s, ended = max_bytes, timeout_s, False

    async def receive_limited() -> Message:
        nonlocal left, remaining_s, ended
        if ended:
            return await receive()
        started = clock()
        message = await _receive_within(receive, timeout_s, remaining_s)
        size = len(message.get("body", b""))
        remaining_s += size / _MIN_BYTES_PER_S - (clock() - started)
        ended = not message.get("more_body", False)
        left -= size
        if left < 0:
            raise _too_large(max_bytes)
        return message

    return receive_limited


async def _receive_within(receive: Receive, timeout_s: float, remaining_s: float) -> Message:
    if remaining_s <= 0:
        raise _too_slow()
    try:
        async with asyncio.timeout(min(timeout_s, remaining_s)):
            return await receive()
    except TimeoutError:
        if remaining_s < timeout_s:
            raise _too_slow() from None
        raise RequestTimeout(f"No part of the body arrived for {timeout_s:g} seconds.") from None


def _too_slow() -> RequestTimeout:
    return RequestTimeout(f"The body arrives more slowly than {_MIN_BYTES_PER_S // _KIBIBYTE} KiB a second.")


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ClientGone when the client disconnects first."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return bytes(message.get("body", b""))
    parts = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()
    raise ClientGone


async def read_json(scope: Scope, receive: Receive, schema: type[SchemaT]) -> SchemaT:
    """The body as ``schema``. Raises UnsupportedMediaType, or InvalidRequest for bad JSON and for wrong fields;
    RateLimited and Overloaded when its texts need more memory than is left for bodies."""
    _require_json(scope)
    return parse_json(await read_body(receive), schema, scope.get(BODY_MEMORY))


def parse_json(body: bytes, schema: type[SchemaT], memory: BodyMemory | None = None) -> SchemaT:
    """``body`` as ``schema``. Raises InvalidRequest, and what ``memory`` raises."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
    if body.count(b"[") + body.count(b"{") > _MAX_JSON_DEPTH or body.count(b",") >= _MAX_JSON_VALUES:
        _check_structure(value)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if memory is not None and len(body) > _LARGE_BYTES:
        memory.hold(_texts_size(value))
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise from_validation_error(error) from None


def content_type(scope: Scope) -> bytes:
    """The media type of the body, lower case, without parameters; empty when there is none."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bytes(value).partition(b";")[0].strip().lower()
    return b""


def require_plain_body(scope: Scope) -> None:
    """Raises UnsupportedMediaType for a compressed body."""
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            encoding = value.decode("latin-1")[:20]
            raise UnsupportedMediaType(f"Send the body as it is: Content-Encoding {encoding!r} is not supported.")


def _require_json(scope: Scope) -> None:
    kind = content_type(scope)
    if kind and kind != b"application/json" and not kind.endswith(b"+json"):
        raise UnsupportedMediaType("Send the body as application/json.")


def _check_structure(value: object) -> None:
    """Raises InvalidRequest for JSON that is nested too deep or has too many values."""
    level, values = _containers((value,)), 0
    for _ in range(_MAX_JSON_DEPTH):
        values += sum(map(len, level))
        if values > _MAX_JSON_VALUES:
            raise InvalidRequest(f"The body has more than {_MAX_JSON_VALUES} values.")
        level = [child for each in level for child in _containers(each.values() if isinstance(each, dict) else each)]
        if not level:
            return
    raise InvalidRequest(f"The body is nested deeper than {_MAX_JSON_DEPTH} levels.")


def _texts_size(value: object) -> int:
    """The memory of all texts in ``value``: one emoji makes every letter of its text four bytes wide."""
    size, level = 0, [value]
    while level:
        inner = [child for each in _containers(level) for child in (each.values() if isinstance(each, dict) else each)]
        size += sum(map(sys.getsizeof, (child for child in inner if isinstance(child, str))))
        level = inner
    return size


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]


def _too_large(max_bytes: int) -> TooLarge:
    size = f"{max_bytes // MEGABYTE} MB" if max_bytes >= MEGABYTE else f"{max_bytes // _KIBIBYTE} KiB"
    return TooLarge(f"The body is larger than {size}.")
