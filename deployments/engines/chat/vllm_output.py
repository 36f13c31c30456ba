"""What vLLM and its processes print: the progress of loading, and why it failed.

vLLM reports both on its standard streams only: a bar for the weights, a traceback in the process of the engine.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_KEPT_LINES = 300
_ERROR = re.compile(r"(?:^|\s)((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)): (.+)$")
_PASSED_ON = "Engine core initialization failed"
"""What vLLM raises in this process when the process of the engine has failed."""
_PROGRESS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Loading .*shards.*?(\d+)%"), "loading weights {} %"),
    (re.compile(r"Starting to load model|Loading model|Loading weights on"), "loading weights"),
    (re.compile(r"Capturing CUDA graph.*?(\d+)%"), "warming up {} %"),
    (re.compile(r"Loading weights took|Model loading took|GPU KV cache|KV cache size|[Ww]arming up"), "warming up"),
)


class ProcessOutput:
    """Reads the file descriptors 1 and 2 of this process and of the processes that it starts inside ``captured``.

    ``on_line`` is called for every line, on a thread. Processes started inside the block keep writing here after it, so
    the thread reads until the last of them has ended.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)

    @property
    def lines(self) -> list[str]:
        """The newest lines."""
        return list(self._lines)

    @contextmanager
    def captured(self) -> Iterator[None]:
        reader, writer = os.pipe()
        threading.Thread(target=self._read, args=(reader,), name="vllm output", daemon=True).start()
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        for descriptor in saved:
            os.dup2(writer, descriptor)
        os.close(writer)
        try:
            yield
        finally:
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)

    def _read(self, reader: int) -> None:
        with open(reader, encoding="utf-8", errors="replace", newline=None) as stream:  # a bar ends its lines with \r
            for line in stream:
                text = line.rstrip()
                self._lines.append(text)
                self._on_line(text)


def progress_of(line: str) -> str:
    """The phase of loading that ``line`` reports, or ""."""
    for pattern, phase in _PROGRESS:
        if found := pattern.search(line):
            return phase.format(*found.groups())
    return ""


def failure_in(lines: list[str]) -> str:
    """The message of the last error of the engine's process in ``lines``, or ""."""
    found = [match for line in lines if (match := _ERROR.search(line)) and _PASSED_ON not in line]
    return f"{found[-1][1].rpartition('.')[2]}: {found[-1][2]}" if found else ""
