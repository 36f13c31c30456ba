"""Drains what a worker process prints, and logs the lines that report a crash.

Native libraries print pieces of their input. Lines are therefore logged only if they have the form of a crash report,
whose words come from the C library or from Python; the others are counted.
"""

import asyncio
import logging
import re

log = logging.getLogger(__name__)

_CRASH_REPORT = re.compile(
    r"\*\*\* [a-z ]{1,60} \*\*\*(: terminated)?"
    r"|[a-z_]{1,30}\(\): [a-z :()_-]{1,60}"
    r"|Fatal Python error: [A-Za-z ]{1,60}"
    r"|  File \"[^\"]{1,200}\", line \d{1,6} in \w{1,80}"
    r"|terminate called after throwing an instance of '[\w:]{1,80}'"
    r"|[A-Z]\w{1,60}(Error|Exception)"
)
_MAX_LINES = 20
_MAX_LINE_BYTES = 400
_READ_BYTES = 8192


async def log_output(output: asyncio.StreamReader, worker: str) -> None:
    """Reads ``output`` to its end. Logs at most 20 lines of a process, each at most 400 bytes."""
    logged = dropped = 0
    rest = b""
    while piece := await output.read(_READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest[: _MAX_LINE_BYTES + 1]
        for line in lines:
            if logged < _MAX_LINES and (report := crash_report(line)):
                logged += 1
                log.warning("%s: %s", worker, report)
            else:
                dropped += bool(line)
    if dropped:
        log.info("%s printed %d other lines", worker, dropped)


def crash_report(line: bytes) -> str:
    """``line`` if it reports a crash, else ""."""
    if len(line) > _MAX_LINE_BYTES:
        return ""
    text = line.decode("ascii", "replace").rstrip()
    return text if _CRASH_REPORT.fullmatch(text) else ""
