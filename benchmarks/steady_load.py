"""A steady load on a running secretary: twenty requests a second and five phone calls, each with its outcome.

Every request has a connection of its own and is never repeated by the client.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import websockets
from websockets.asyncio.client import connect

from benchmarks.server_process import API_KEY

REQUESTS_PER_S = 20
CALLS = 5
_TIMEOUT_S = 60.0
_REDIAL_S = 0.1
_HEADERS = {"Authorization": f"Bearer {API_KEY}"}
_QUESTION = "Спасибо"
_SENTENCE = "This call says sentence number {} to its caller today."


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request or call. ``error`` is empty when it succeeded. ``cut`` means that its answer had begun."""

    kind: str
    began: float
    ended: float
    error: str = ""
    cut: bool = False


@dataclass
class SteadyLoad:
    """Runs until ``stop``. Kinds in turn: an FAQ answer, a streamed answer of the model, speech, the model list."""

    port: int
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_progress: dict[int, float] = {}
        self._sources: list[asyncio.Task[None]] = []
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers=_HEADERS,
            timeout=_TIMEOUT_S,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    @property
    def oldest_s(self) -> float:
        """How long the oldest request has been in progress."""
        return time.monotonic() - min(self._in_progress.values(), default=time.monotonic())

    def start(self) -> None:
        self._sources = [asyncio.create_task(self._send_requests())]
        self._sources += [asyncio.create_task(self._keep_call(number)) for number in range(CALLS)]

    async def stop(self) -> None:
        """Waits for the requests in progress and ends the calls."""
        for source in self._sources:
            source.cancel()
        await asyncio.gather(*self._sources, return_exceptions=True)
        await asyncio.gather(*self._tasks)
        await self._http.aclose()

    async def _send_requests(self) -> None:
        due = time.monotonic()
        while True:
            task = asyncio.create_task(self._request(next(self._numbers)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += 1 / REQUESTS_PER_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _request(self, number: int) -> None:
        kind, method, path, body = _request(number)
        began, started, error = time.monotonic(), False, ""
        self._in_progress[number] = began
        try:
            async with self._http.stream(method, path, json=body) as reply:
                started = reply.is_success
                text = b"".join([piece async for piece in reply.aiter_bytes()])
            if not reply.is_success:
                error = f"{reply.status_code} {_code(text)}"
            elif b'"error":' in text:
                error = f"stream: {_code(text.rpartition(b'data: ')[0].rpartition(b'data: ')[2] or text)}"
        except httpx.HTTPError as failure:
            error = type(failure).__name__
        del self._in_progress[number]
        self.outcomes.append(Outcome(kind, began, time.monotonic(), error, started and bool(error)))

    async def _keep_call(self, line: int) -> None:
        """Speaks one sentence after another in one call; dials again when the call is cut."""
        while True:
            began, connected, error = time.monotonic(), False, ""
            try:
                url = f"ws://127.0.0.1:{self.port}/phone/tts"
                async with connect(url, additional_headers=_HEADERS, compression=None, open_timeout=_TIMEOUT_S) as call:
                    connected = True
                    await self._speak(call, line)
            except (OSError, websockets.WebSocketException, TimeoutError) as failure:
                error = type(failure).__name__
            self.outcomes.append(Outcome("call", began, time.monotonic(), error, connected))
            await asyncio.sleep(_REDIAL_S)

    async def _speak(self, call: websockets.ClientConnection, line: int) -> None:
        for number in itertools.count():
            began, error = time.monotonic(), ""
            text = _SENTENCE.format(f"{number} of line {line}")
            await call.send(json.dumps({"type": "speak", "id": str(number), "text": text, "format": "alaw"}))
            async for message in call:
                event = {} if isinstance(message, bytes) else json.loads(message)
                if event.get("type") == "error":
                    error = str(event.get("code"))
                if event.get("type") in ("error", "finished"):
                    break
            self.outcomes.append(Outcome("sentence", began, time.monotonic(), error))
            if error:
                await asyncio.sleep(_REDIAL_S)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Whether ``condition`` became true in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await asyncio.sleep(0.05)
                return True
        return False


def _request(number: int) -> tuple[str, str, str, dict[str, object] | None]:
    """Kind, method, path and body of request ``number``."""
    turn = number % 4
    if turn == 0:
        return "FAQ answer", "POST", "/v1/chat/completions", _chat("secretary", _QUESTION)
    if turn == 1:
        return "streamed answer", "POST", "/v1/chat/completions", _chat("local", f"word {number}") | {"stream": True}
    if turn == 2:
        speech: dict[str, object] = {"model": "tts-1", "voice": "alloy", "input": f"number {number}"}
        return "speech", "POST", "/v1/audio/speech", speech | {"response_format": "pcm"}
    return "model list", "GET", "/v1/models", None


def _chat(model: str, question: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": question}]}


def _code(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return "not JSON"
