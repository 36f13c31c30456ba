"""``python -m benchmarks.peers.mock_provider PORT``: a provider that streams words in OpenAI's format.

The model name says how many and how fast: ``words-100-10`` sends 100 words, one every 10 ms.
"""

import asyncio
import json
import sys

MODELS = SHORT, PACED = "words-20-0", "words-100-10"


async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            body = json.loads(await reader.readexactly(length) or b"{}")
            _, count, gap_ms = str(body.get("model", "words-1-0")).rpartition("/")[2].split("-")
            await _stream(writer, int(count), int(gap_ms) / 1000)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _stream(writer: asyncio.StreamWriter, count: int, gap_s: float) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(count):
        _send(writer, _chunk({"content": f"word{number} "}))
        due += gap_s
        if gap_s:
            await asyncio.sleep(due - loop.time())
    _send(writer, _chunk({}, "stop"))
    usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
    _send(writer, json.dumps(_envelope() | {"choices": [], "usage": usage}))
    _send(writer, "[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _envelope() -> dict[str, object]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "words"}


def _chunk(delta: dict[str, str], reason: str | None = None) -> str:
    return json.dumps(_envelope() | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def _send(writer: asyncio.StreamWriter, data: str) -> None:
    event = f"data: {data}\n\n".encode()
    writer.write(b"%x\r\n%b\r\n" % (len(event), event))


async def _main(port: int) -> None:
    server = await asyncio.start_server(_handle, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
