"""Slots and memory for request bodies are taken before a body is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import orjson
import psutil
import pytest

from deployments.api.app import DoorServices, build_app
from deployments.api.body_budget import BodyBudget
from deployments.api.metrics import Metrics
from deployments.contracts.api_key import KeyLimits
from deployments.contracts.errors import Overloaded, RateLimited
from deployments.contracts.settings import Limits
from tests.api.asgi import AsgiCall
from tests.api.recordings import wav_bytes
from tests.api.running_gateway import StaticSnapshots, api_key, snapshot
from tests.fakes.assistant import ScriptedAssistant, ScriptPause

PATHS = ("/v1/audio/transcriptions", "/v1/chat/completions", "/v1/audio/speech", "/v1/embeddings")
MB = 1_000_000
PART = 64 * 1024
FORM = b"--b\r\ncontent-disposition: form-data; name=%s\r\n\r\n"
HEAD = FORM % b"model" + b"whisper-1\r\n" + FORM % b'"file"; filename="a.wav"'


class Upload(AsgiCall):
    """Sends its body, and the end of the form after ``go_on`` is set. ``length`` None: without Content-Length."""

    def __init__(self, key: str, body: bytes, *, path: str = PATHS[0], length: int | None = None) -> None:
        kind = b"multipart/form-data; boundary=b" if "transcr" in path else b"application/json"
        size = (b"content-length", b"%d" % length) if length else (b"transfer-encoding", b"chunked")
        super().__init__(path, body, [(b"content-type", kind), size])
        self.key = key
        self.end = b"\r\n--b--\r\n" if "transcr" in path else b""
        self.reads = self._sent = 0
        self.body_read = asyncio.Event()
        self.go_on = asyncio.Event()

    def scope(self) -> dict[str, object]:
        scope = super().scope()
        scope["headers"] = [(b"authorization", b"Bearer " + self.key.encode()), *self.headers]
        return scope

    async def receive(self) -> dict[str, object]:
        self.reads += 1
        if self._sent < len(self.body):
            part = self.body[self._sent : self._sent + PART]
            self._sent += PART
            return {"type": "http.request", "body": part, "more_body": True}
        self.body_read.set()
        await self.go_on.wait()
        self.go_on.clear()
        return {"type": "http.request", "body": self.end, "more_body": False}


class Uploads:
    """Starts uploads at one door and ends them."""

    def __init__(self, limits: Limits, key_limits: KeyLimits) -> None:
        self.assistant = ScriptedAssistant()
        keys = tuple(api_key(number, f"sk-{number}", limits=key_limits) for number in (1, 2, 3))
        snapshots = StaticSnapshots(snapshot(limits).model_copy(update={"api_keys": keys}))
        self.app = build_app(DoorServices(assistant=self.assistant, snapshots=snapshots, metrics=Metrics()))
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, upload: Upload) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(self.app(upload.scope(), upload.receive, upload.send)))
        return self.tasks[-1]

    async def begun(self, upload: Upload) -> asyncio.Task[None]:
        """Starts ``upload`` and waits until its body was read."""
        task = self.start(upload)
        await asyncio.wait_for(upload.body_read.wait(), 5)
        return task

    async def refused(self, upload: Upload) -> tuple[int, str]:
        """The status and the code of an upload of which nothing may be read."""
        await asyncio.wait_for(self.start(upload), 5)
        assert upload.reads == 0
        assert dict(upload.sent[0]["headers"])[b"retry-after"]
        return upload.status, upload.json["error"]["code"]


@asynccontextmanager
async def uploads(limits: Limits | None = None, **key_limits: int) -> AsyncIterator[Uploads]:
    opened = Uploads(limits or Limits(), KeyLimits(**key_limits))
    yield opened
    for task in opened.tasks:
        task.cancel()
    await asyncio.gather(*opened.tasks, return_exceptions=True)


@pytest.mark.parametrize("path", PATHS)
async def test_concurrent_streams_counts_unfinished_bodies(path: str) -> None:
    async with uploads(concurrent_streams=1) as door:
        task = await door.begun(Upload("sk-1", b"-", path=path, length=1_000))
        assert await door.refused(Upload("sk-1", b"-", path=path, length=1_000)) == (429, "rate_limit_exceeded")
        await door.begun(Upload("sk-2", b"-", path=path, length=1_000))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await door.begun(Upload("sk-1", b"-", path=path, length=1_000))


@pytest.mark.parametrize("length", [25 * MB, None], ids=["length", "chunked"])
async def test_uploads_are_bounded_before_they_are_read(length: int | None) -> None:
    before = psutil.Process().memory_info().rss
    async with uploads() as door:
        part = HEAD + bytes(23 * MB)
        for key in ("sk-1",) * 5 + ("sk-2",) * 3:
            await door.begun(Upload(key, part, length=length))
        assert await door.refused(Upload("sk-1", part, length=length)) == (429, "rate_limit_exceeded")
        assert await door.refused(Upload("sk-3", part, length=length)) == (503, "overloaded")
        await door.begun(Upload("sk-3", b"{", path=PATHS[1], length=10_000))
        assert psutil.Process().memory_info().rss - before < 25 * MB


async def test_cancelled_and_ended_uploads_free_their_bytes() -> None:
    async with uploads(Limits(max_uploads_mb=3, max_upload_mb=2)) as door:
        for _ in range(3):
            task = await door.begun(Upload("sk-1", HEAD, length=2 * MB))
            assert (await door.refused(Upload("sk-1", HEAD, length=2 * MB)))[0] == 429
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        whole = Upload("sk-1", HEAD + wav_bytes(), length=2 * MB)
        task = await door.begun(whole)
        whole.go_on.set()
        await asyncio.wait_for(task, 5)
        assert whole.status == 200
        await door.begun(Upload("sk-1", HEAD, length=2 * MB))


async def test_chunked_upload_keeps_what_arrived_while_it_is_answered() -> None:
    async with uploads(Limits(max_uploads_mb=3, max_upload_mb=2)) as door:
        door.assistant.transcript_script = [ScriptPause(30)]
        small = Upload("sk-1", HEAD + wav_bytes())
        await door.begun(small)
        assert (await door.refused(Upload("sk-1", HEAD)))[0] == 429
        small.go_on.set()
        while not door.assistant.open_streams:
            await asyncio.sleep(0)
        await door.begun(Upload("sk-1", HEAD, length=1_900_000))


async def test_wide_texts_hold_the_memory_that_they_need() -> None:
    """One emoji makes a text of 700,000 letters four times as large as its body."""
    text = "a" * 700_000 + "😀"
    body = orjson.dumps({"model": "local", "messages": [{"role": "user", "content": text}]})
    async with uploads(Limits(max_bodies_mb=3)) as door:
        door.assistant.script = [ScriptPause(30)]
        first, second = (Upload("sk-1", body, path=PATHS[1], length=len(body)) for _ in range(2))
        task = await door.begun(first)
        await door.begun(second)
        first.go_on.set()
        await asyncio.wait_for(task, 5)
        assert (first.status, first.json["error"]["code"]) == (429, "rate_limit_exceeded")
        second.go_on.set()
        while not door.assistant.open_streams:
            await asyncio.sleep(0)


def test_body_budget_admits_any_single_body() -> None:
    budget = BodyBudget()
    budget.reserve("anna", 500, 100)
    with pytest.raises(Overloaded):
        budget.reserve("max", 1, 100)
    with pytest.raises(RateLimited):
        budget.reserve("anna", 1, 100)
    budget.release("anna", 500)
    assert budget.in_use == 0
    budget.reserve("max", 60, 100)
    budget.reserve("anna", 40, 100)
