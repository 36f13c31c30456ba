"""Streamed answers over HTTP with their timing."""

import http.client
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """The text of a chat stream and the seconds from the request to its first token."""

    first_token_s: float
    text: str
    prompt_tokens: int


class StreamingClient:
    """Raises RuntimeError for a reply other than 200.

    Every request has a new connection, opened before the clock starts, because llama.cpp closes it after each stream.
    """

    def __init__(self, port: int, key: str) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def stream_body(self, path: str, body: object) -> Iterator[tuple[float, bytes]]:
        """Pieces of the body as they arrive, each with the seconds since the request was sent."""
        self._http.close()
        self._http.connect()
        sent = time.perf_counter()
        self._http.request("POST", path, orjson.dumps(body), self._headers)
        answer = self._http.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}: {answer.read()[:500]!r}")
        while piece := answer.read1(65_536):
            yield time.perf_counter() - sent, piece
        self._http.close()

    def chat(self, body: dict[str, object]) -> StreamedAnswer:
        """Runs one streamed chat completion to its end."""
        first, text, prompt_tokens, rest = 0.0, "", 0, b""
        for seconds, piece in self.stream_body("/v1/chat/completions", body | {"stream": True}):
            *lines, rest = (rest + piece).split(b"\n")
            for event in _events(lines):
                if content := _content(event):
                    first = first or seconds
                    text += content
                if usage := event.get("usage"):
                    prompt_tokens = usage["prompt_tokens"]
        return StreamedAnswer(first, text, prompt_tokens)


def _events(lines: list[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        if line.startswith(b"data: {"):
            yield orjson.loads(line[6:])


def _content(event: Mapping[str, Any]) -> str:
    choices = event.get("choices")
    return str(choices[0]["delta"].get("content") or "") if choices else ""
