"""Drains what the core program prints and logs it without secrets."""

import asyncio
import logging
import re
from collections.abc import Iterable

log = logging.getLogger(__name__)

_MAX_LINE = 400
_MAX_READ_LINE = 4096
_READ_BYTES = 8192
_MAX_LINES_PER_MINUTE = 20
_MIN_SECRET = 4
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS = re.compile(r"\[[0-9a-fA-F:.]{2,45}\](?::\d{1,5})?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?")


class Redaction:
    """Replaces ``secrets``, ids and IP addresses in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({each for each in secrets if len(each) >= _MIN_SECRET}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return _ADDRESS.sub("[address]", _UUID.sub("[id]", text))


async def log_output(output: asyncio.StreamReader, redact: Redaction, name: str) -> str:
    """Reads ``output`` to its end and returns the last line of it, redacted. Logs at most 20 lines a minute."""
    loop = asyncio.get_running_loop()
    rest, last, logged, dropped, minute = b"", "", 0, 0, loop.time()
    while piece := await output.read(_READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest[:_MAX_READ_LINE]
        if loop.time() > minute + 60:
            logged, minute = 0, loop.time()
        for line in lines:
            text = redact(line[:_MAX_READ_LINE].decode("utf-8", "replace").strip())[:_MAX_LINE]
            last = text or last
            if text and logged < _MAX_LINES_PER_MINUTE:
                logged += 1
                log.info("%s: %s", name, text)
            else:
                dropped += 1
    if dropped:
        log.info("%s printed %d more lines", name, dropped)
    return redact(rest.decode("utf-8", "replace").strip())[:_MAX_LINE] or last
