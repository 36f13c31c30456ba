"""The frames between a worker process and its parent: two lengths, a header in JSON, a body of bytes.

Imports little: the child process loads this module.
"""

import json
from struct import Struct

Header = dict[str, object]

MAX_HEADER_BYTES = 1 << 20
MAX_BODY_BYTES = 64 << 20

PREFIX = Struct(">II")
"""The lengths of header and body in bytes."""


class InvalidFrame(ValueError):
    """The other side does not speak the protocol, or sends more than the bounds."""


def encode_frame(header: Header, body: bytes = b"") -> bytes:
    data = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return b"".join((frame_prefix(len(data), len(body)), data, body))


def frame_prefix(header_size: int, body_size: int) -> bytes:
    _check_sizes(header_size, body_size)
    return PREFIX.pack(header_size, body_size)


def frame_sizes(prefix: bytes) -> tuple[int, int]:
    """The lengths of header and body. Raises InvalidFrame above the bounds."""
    header_size, body_size = PREFIX.unpack(prefix)
    _check_sizes(header_size, body_size)
    return header_size, body_size


def decode_header(data: bytes) -> Header:
    """Raises InvalidFrame."""
    try:
        header = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise InvalidFrame("the header is not JSON") from None
    if not isinstance(header, dict):
        raise InvalidFrame("the header is not an object")
    return header


def _check_sizes(header_size: int, body_size: int) -> None:
    if header_size > MAX_HEADER_BYTES or body_size > MAX_BODY_BYTES:
        raise InvalidFrame(f"a frame of {header_size} + {body_size} bytes exceeds the bounds")
