"""Request bodies: bounded before they are read, parsed once, checked once."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.types import Message, Receive, Scope

from deployments.api.errors import ClientGone, RequestTimeout, from_validation_error
from deployments.contracts.errors import InvalidRequest, TooLarge, UnsupportedMediaType

_DEEPEST_JSON = 64
MEGABYTE = 1_000_000
_KIBIBYTE = 1024
_SLOWEST = 4 * _KIBIBYTE
"""Bytes of a body in a second, half of what a line of 64 kbit/s carries: 25 MB may take an hour and 42 minutes."""
CLIENT_TIMEOUT_S = 30.0
"""How long a client may neither send the rest of its request nor read its answer."""


class RequestSchema(BaseModel):
    """A request body: no coercion of types, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


SchemaT = TypeVar("SchemaT", bound=RequestSchema)


def check_content_length(length: bytes | None, max_bytes: int) -> None:
    """Checks the declared size. Raises TooLarge above ``most`` bytes, InvalidRequest for a header that is no number."""
    if length is None:
        return
    if not length.isdigit():
        raise InvalidRequest("Content-Length is not a number.")
    if len(length) > 15 or int(length) > max_bytes:
        raise _too_large(max_bytes)


def limited_receive(
    receive: Receive, max_bytes: int, timeout_s: float = CLIENT_TIMEOUT_S, clock: Callable[[], float] = time.monotonic
) -> Receive:
    """``receive`` that counts what arrives and raises TooLarge as soon as it is more than ``most`` bytes, and TooSlow
    when the next part of the body does not come in ``patience_s`` seconds, or when more was waited for all parts than
    that and a second for every 4 KiB that came."""
    left, spare_s, ended = max_bytes, timeout_s, False

    async def count() -> Message:
        nonlocal left, spare_s, ended
        if ended:
            return await receive()
        began = clock()
        message = await _soon(receive, timeout_s, spare_s)
        size = len(message.get("body", b""))
        spare_s += size / _SLOWEST - (clock() - began)
        ended = not message.get("more_body", False)
        left -= size
        if left < 0:
            raise _too_large(max_bytes)
        return message

    return count


async def _soon(receive: Receive, patience_s: float, spare_s: float) -> Message:
    if spare_s <= 0:
        raise _trickling()
    try:
        async with asyncio.timeout(min(patience_s, spare_s)):
            return await receive()
    except TimeoutError:
        if spare_s < patience_s:
            raise _trickling() from None
        raise RequestTimeout(f"Nothing of the body came for {patience_s:g} seconds.") from None


def _trickling() -> RequestTimeout:
    return RequestTimeout(f"The body comes more slowly than {_SLOWEST // _KIBIBYTE} KiB a second.")


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ClientGone when the client hangs up before its end."""
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
    """The body as ``schema``. Raises UnsupportedMediaType, or InvalidRequest for bad JSON and for wrong fields."""
    _require_json(scope)
    return parse_json(await read_body(receive), schema)


def parse_json(body: bytes, schema: type[SchemaT]) -> SchemaT:
    """``body`` as ``schema``. Raises InvalidRequest."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
    if body.count(b"[") + body.count(b"{") > _DEEPEST_JSON and _deeper_than(value, _DEEPEST_JSON):
        raise InvalidRequest(f"The body is nested deeper than {_DEEPEST_JSON} levels.")
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
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


def _require_json(scope: Scope) -> None:
    kind = content_type(scope)
    if kind and kind != b"application/json" and not kind.endswith(b"+json"):
        raise UnsupportedMediaType("Send the body as application/json.")


def _deeper_than(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def _too_large(most: int) -> TooLarge:
    size = f"{most // MEGABYTE} MB" if most >= MEGABYTE else f"{most // _KIBIBYTE} KiB"
    return TooLarge(f"The body is larger than {size}.")
