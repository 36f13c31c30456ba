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
_PERCENT = re.compile(r"(?<!\d)\d{1,3}%")
_PHASES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Loading", "shards"), "loading weights"),
    (("Starting to load model",), "loading weights"),
    (("Loading model",), "loading weights"),
    (("Loading weights on",), "loading weights"),
    (("Capturing CUDA graph",), "warming up"),
    (("Loading weights took",), "warming up"),
    (("Model loading took",), "warming up"),
    (("KV cache size",), "warming up"),
    (("GPU KV cache",), "warming up"),
    (("Warming up",), "warming up"),
    (("warming up",), "warming up"),
)
"""The words of a line of vLLM, and the phase that it belongs to."""


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
    phase = next((phase for words, phase in _PHASES if all(word in line for word in words)), "")
    percent = _PERCENT.search(line) if phase else None
    return f"{phase} {percent[0][:-1]} %" if percent else phase


def failure_in(lines: list[str]) -> str:
    """The message of the last error of the engine's process in ``lines``, or ""."""
    found = [match for line in lines if (match := _ERROR.search(line)) and _PASSED_ON not in line]
    return f"{found[-1][1].rpartition('.')[2]}: {found[-1][2]}" if found else ""
