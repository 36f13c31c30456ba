"""A scripted provider that speaks the wire formats of OpenAI, Anthropic and Gemini on a loopback port.

It repeats the last user message word by word, or says ``Script.answer``, and breaks as ``Script.fault`` says.
"""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

_WORD = re.compile(r"\S+\s*")


@dataclass
class Script:
    """``fault``: "", cut, hang, malformed, mid_error, ok_error, html, no_usage, no_stream, empty, filtered, redirect.

    ``status`` other than 200 sends ``body``. ``after`` is the number of words before a fault.
    """

    answer: str | None = None
    fault: str = ""
    after: int = 2
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    gap_s: float = 0
    tool_calls: tuple[tuple[str, str, str], ...] = ()
    models: tuple[str, ...] = ("model-a", "model-b")


@dataclass
class ReceivedRequest:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class CloudProviderServer:
    """``requests`` are all requests, ``connections`` is the number of opened connections, ``peers`` are the addresses
    that they came from."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.script = Script()
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self.peers: set[str] = set()
        self.closed_early = asyncio.Event()
        self.port = 0

    @property
    def base_url(self) -> str:
        path = "" if self.dialect == "gemini" else "/v1"
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def last(self) -> ReceivedRequest:
        return self.requests[-1]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.peers.add(writer.get_extra_info("peername")[0])
        try:
            while True:
                request = await _read_request(reader)
                self.requests.append(request)
                if not await self._answer(request, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            self.closed_early.set()
        finally:
            writer.close()

    async def _answer(self, request: ReceivedRequest, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        script = self.script
        if request.method == "GET" and not script.fault and script.status == 200:
            await asyncio.sleep(script.delay_s)
            key, prefix = ("models", "models/") if self.dialect == "gemini" else ("data", "")
            name = "name" if self.dialect == "gemini" else "id"
            return _send_json(writer, 200, {key: [{name: prefix + each} for each in script.models]}, {})
        if script.status != 200:
            return _send_json(writer, script.status, script.body, script.headers)
        if script.fault == "ok_error":
            return _send_json(writer, 200, {"error": {"message": "something broke", "code": 500}}, {})
        if script.fault == "no_stream":
            return _send_json(writer, 200, {"choices": [{"message": {"content": "whole"}}]}, {})
        if script.fault == "html":
            return _send(writer, 200, b"<!DOCTYPE html><html>login</html>", {"content-type": "text/html"})
        if script.fault == "picture":
            return _send(writer, 200, b"PNG", {"content-type": "image/png"})
        if script.fault == "redirect":
            return _send(writer, 301, b"", {"location": "https://elsewhere.example/v1"})
        return await self._stream(request.body, script, writer)

    async def _break(self, fault: str, dialect: Any, writer: asyncio.StreamWriter) -> bool:
        """Whether the stream goes on."""
        if fault == "malformed":
            await _send_event(writer, b"data: {broken")
        elif fault == "mid_error":
            await _send_event(writer, dialect.error())
        elif fault in ("cut", "hang"):
            await writer.drain()
            if fault == "hang":
                await asyncio.sleep(3600)
            writer.transport.abort()
            return False
        return True

    async def _stream(self, body: Any, script: Script, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(script.delay_s)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        dialect = _DIALECTS[self.dialect](body)
        forced = _forced_tool(body)
        calls = script.tool_calls or ((("call_1", forced, '{"ok": true}'),) if forced else ())
        words, reason = ([], "stop") if forced else _words(dialect, script)
        for event in dialect.start():
            await _send_event(writer, event)
        for index, word in enumerate(words):
            if index == script.after and script.fault and not await self._break(script.fault, dialect, writer):
                return False
            await _send_event(writer, dialect.text(word))
            if script.gap_s:
                await asyncio.sleep(script.gap_s)
        for number, (call_id, name, arguments) in enumerate(calls):
            for event in dialect.tool_call(number, call_id, name, arguments):
                await _send_event(writer, event)
            reason = "tool_calls"
        if script.fault == "filtered":
            reason = "content_filter"
        if script.fault != "early_end":
            usage = None if script.fault == "no_usage" else (_prompt_tokens(body), len(words) or len(calls))
            for event in dialect.end(reason, usage):
                await _send_event(writer, event)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def cloud_provider(dialect: str) -> AsyncIterator[CloudProviderServer]:
    server = CloudProviderServer(dialect)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


class _OpenAi:
    def __init__(self, body: Any) -> None:
        self.question = _text(next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user"))
        self.max_tokens = body.get("max_tokens") or body.get("max_completion_tokens")
        self.stop = body.get("stop") or []
        self.schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")

    def start(self) -> Iterator[bytes]:
        yield b": keep-alive"
        yield self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def tool_call(self, number: int, call_id: str, name: str, arguments: str) -> Iterator[bytes]:
        start = {"index": number, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield self._chunk({"tool_calls": [start]})
        for half in (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]):
            yield self._chunk({"tool_calls": [{"index": number, "function": {"arguments": half}}]})

    def end(self, reason: str, usage: tuple[int, int] | None) -> Iterator[bytes]:
        yield self._chunk({}, reason)
        if usage:
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            yield _data({"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [], "usage": counts})
        yield b"data: [DONE]"

    def error(self) -> bytes:
        return _data({"error": {"message": "upstream died", "type": "server_error", "code": 502}})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _data({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


class _Anthropic:
    def __init__(self, body: Any) -> None:
        self.question = _text(next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user"))
        self.max_tokens = body["max_tokens"]
        self.stop = body.get("stop_sequences") or []
        self.schema = (body.get("output_format") or {}).get("schema")
        self._block = 0
        self._prompt_tokens = _prompt_tokens(body)

    def start(self) -> Iterator[bytes]:
        usage = {"input_tokens": self._prompt_tokens, "output_tokens": 0}
        message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
        yield self._event("message_start", message=message)
        yield self._event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield self._event("ping")

    def text(self, text: str) -> bytes:
        return self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def tool_call(self, number: int, call_id: str, name: str, arguments: str) -> Iterator[bytes]:
        self._block += 1
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        yield self._event("content_block_start", index=self._block, content_block=block)
        for half in (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]):
            delta = {"type": "input_json_delta", "partial_json": half}
            yield self._event("content_block_delta", index=self._block, delta=delta)
        yield self._event("content_block_stop", index=self._block)

    def end(self, reason: str, usage: tuple[int, int] | None) -> Iterator[bytes]:
        known = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
        delta = {"stop_reason": known[reason], "stop_sequence": None}
        yield self._event("content_block_stop", index=0)
        yield self._event("message_delta", delta=delta, usage={"output_tokens": usage[1] if usage else 0})
        yield self._event("message_stop")

    def error(self) -> bytes:
        return self._event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def _event(self, kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\n".encode() + _data({"type": kind, **fields})


class _Gemini:
    def __init__(self, body: Any) -> None:
        last = next(c for c in reversed(body["contents"]) if c["role"] == "user")
        self.question = "".join(part.get("text", "") for part in last["parts"])
        config = body.get("generationConfig", {})
        self.max_tokens = config.get("max_output_tokens") or config.get("maxOutputTokens")
        self.stop = config.get("stop_sequences") or config.get("stopSequences") or []
        self.schema = config.get("response_json_schema") or config.get("response_schema")

    def start(self) -> Iterator[bytes]:
        yield from ()

    def text(self, text: str) -> bytes:
        return self._chunk([{"text": text}])

    def tool_call(self, number: int, call_id: str, name: str, arguments: str) -> Iterator[bytes]:
        yield self._chunk([{"functionCall": {"name": name, "args": json.loads(arguments)}}])

    def end(self, reason: str, usage: tuple[int, int] | None) -> Iterator[bytes]:
        known = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
        yield self._chunk([{"text": ""}], known[reason], usage)

    def error(self) -> bytes:
        return _data({"error": {"code": 503, "message": "The model is overloaded", "status": "UNAVAILABLE"}})

    def _chunk(self, parts: list[Any], reason: str | None = None, usage: tuple[int, int] | None = None) -> bytes:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        chunk: dict[str, Any] = {"candidates": [candidate], "modelVersion": "m"}
        if usage:
            counts = {"promptTokenCount": usage[0], "candidatesTokenCount": usage[1], "totalTokenCount": sum(usage)}
            chunk["usageMetadata"] = counts
        return _data(chunk)


_DIALECTS: dict[str, Any] = {"openai": _OpenAi, "anthropic": _Anthropic, "gemini": _Gemini}


def _forced_tool(body: Any) -> str:
    """The name of the tool that the request forces; "" for none."""
    choice = body.get("tool_choice") or body.get("toolConfig") or body.get("tool_config")
    if not isinstance(choice, dict):
        return ""
    calling = choice.get("functionCallingConfig") or choice.get("function_calling_config") or {}
    names = calling.get("allowedFunctionNames") or calling.get("allowed_function_names") or [""]
    return str(choice.get("name") or choice.get("function", {}).get("name") or names[0])


def _prompt_tokens(body: Any) -> int:
    return 7 + 10 * str(body).count("image/png")


def _words(dialect: Any, script: Script) -> tuple[list[str], str]:
    if dialect.schema:
        return ['{"ok": ', "true}"], "stop"
    text = dialect.question if script.answer is None else script.answer
    ends = [text.index(mark) for mark in dialect.stop if mark in text]
    words = _WORD.findall(text[: min(ends)] if ends else text)
    if dialect.max_tokens is not None and len(words) > dialect.max_tokens:
        return words[: dialect.max_tokens], "length"
    return words, "stop"


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _data(event: Any) -> bytes:
    return b"data: " + json.dumps(event).encode()


async def _send_event(writer: asyncio.StreamWriter, event: bytes) -> None:
    data = event + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    await writer.drain()


def _send_json(writer: asyncio.StreamWriter, status: int, body: Any, headers: dict[str, str]) -> bool:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return _send(writer, status, content, {"content-type": "application/json", **headers})


def _send(writer: asyncio.StreamWriter, status: int, content: bytes, headers: dict[str, str]) -> bool:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(content)}\r\n\r\n".encode() + content)
    return True


async def _read_request(reader: asyncio.StreamReader) -> ReceivedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    return ReceivedRequest(method, path, headers, json.loads(content) if content else None)


@contextmanager
def cloud_provider_thread(dialect: str) -> Iterator[CloudProviderServer]:
    """A scripted provider for tests without an event loop."""
    started: Future[CloudProviderServer] = Future()
    ended = threading.Event()

    async def serve() -> None:
        async with cloud_provider(dialect) as server:
            started.set_result(server)
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield started.result(10)
    finally:
        ended.set()
        thread.join(10)
