"""A scripted HTTP/1.1 server on loopback that records its requests."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

ResponseScript = Callable[[asyncio.StreamWriter], Awaitable[None]]


class ScriptedServer:
    """``answers`` by path. ``requests`` holds the head of each request. ``keep_alive``: a connection serves several."""

    def __init__(self) -> None:
        self.answers: dict[str, ResponseScript] = {}
        self.requests: list[str] = []
        self.port = 0
        self.keep_alive = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._respond(reader, writer)
            while self.keep_alive:
                await self._respond(reader, writer)
        writer.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        await self.answers.get(head.split()[1], respond_with(b"hello"))(writer)
        await writer.drain()


def respond_with(body: bytes, status: str = "200 OK", *, connection: str = "close", **headers: str) -> ResponseScript:
    async def answer(writer: asyncio.StreamWriter) -> None:
        given = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: {connection}\r\n{given}\r\n".encode()
            + body
        )

    return answer


def respond_endlessly(pause_s: float) -> ResponseScript:
    """A body without end, 1 KiB each ``pause_s`` seconds."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 1024)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return answer


async def never_respond(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@contextlib.asynccontextmanager
async def run_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


class FakeResolver:
    """Resolves names to scripted addresses. Each call takes the next answer; the last one repeats."""

    def __init__(self, **names: list[tuple[str, ...]]) -> None:
        self._answers = {name.replace("_", "."): answers for name, answers in names.items()}
        self.queries: list[str] = []

    def add_answer(self, name: str, *addresses: str) -> None:
        self._answers.setdefault(name, []).append(addresses)

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        self.queries.append(host)
        answers = self._answers.get(host)
        if not answers:
            raise OSError("unknown name")
        return answers.pop(0) if len(answers) > 1 else answers[0]
