"""Limits of request bodies: size, pauses and average rate."""

import time
from collections.abc import Iterable, Iterator

import psutil
import pytest

from deployments.api.chat.schemas import ChatRequest
from deployments.api.errors import RequestTimeout
from deployments.api.request_body import MEGABYTE, check_content_length, limited_receive, parse_json, read_body
from deployments.contracts.errors import InvalidRequest, TooLarge

KIBIBYTE = 1024


class ScriptedClient:
    """Sends each part after its delay on a virtual clock."""

    def __init__(self, parts: Iterable[tuple[float, bytes]]) -> None:
        self._parts: Iterator[tuple[float, bytes]] = iter(parts)
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def receive(self) -> dict[str, object]:
        pause_s, part = next(self._parts, (0.0, b""))
        self.now += pause_s
        return {"type": "http.request", "body": part, "more_body": bool(part)}


async def read(client: ScriptedClient, most: int = 25 * MEGABYTE) -> bytes:
    return await read_body(limited_receive(client.receive, most, 30, client.clock))


async def test_limited_receive_slow_body_times_out() -> None:
    client = ScriptedClient((9, b"x") for _ in range(1000))
    with pytest.raises(RequestTimeout, match="4 KiB a second"):
        await read(client)
    assert client.now == 36


async def test_limited_receive_large_slow_upload_completes() -> None:
    client = ScriptedClient((20, b"x" * 20 * 5 * KIBIBYTE) for _ in range(70))
    assert len(await read(client)) == 70 * 20 * 5 * KIBIBYTE
    assert client.now == 1400


async def test_limited_receive_fast_start_gains_no_time() -> None:
    client = ScriptedClient([(0, b"x" * 40 * KIBIBYTE), *((9, b"x") for _ in range(1000))])
    with pytest.raises(RequestTimeout):
        await read(client)
    assert client.now == 45


async def test_limited_receive_reader_time_does_not_count() -> None:
    client = ScriptedClient((1, b"x") for _ in range(10))
    receive = limited_receive(client.receive, MEGABYTE, 30, client.clock)
    for _ in range(10):
        assert (await receive())["body"] == b"x"
        client.now += 1000


@pytest.mark.parametrize(("most", "size"), [(2 * MEGABYTE, "2 MB"), (16 * KIBIBYTE, "16 KiB")])
async def test_limits_name_the_maximum_size(most: int, size: str) -> None:
    with pytest.raises(TooLarge, match=size):
        check_content_length(b"%d" % (most + 1), most)
    with pytest.raises(TooLarge, match=size):
        await read(ScriptedClient([(0, b"x" * most), (0, b"x")]), most)
    check_content_length(b"%d" % most, most)
    assert len(await read(ScriptedClient([(0, b"x" * most)]), most)) == most


@pytest.mark.parametrize(
    "messages",
    ["{}," * 600_000 + "{}", "1," * 900_000 + "1", '{"role":"user","content":[' + "{}," * 600_000 + "{}]}"],
    ids=["objects", "numbers", "parts"],
)
def test_body_of_many_values_is_refused_at_once(messages: str) -> None:
    before, started = psutil.Process().memory_info().rss, time.process_time()
    with pytest.raises(InvalidRequest, match="values"):
        parse_json(f'{{"model":"x","messages":[{messages}]}}'.encode(), ChatRequest)
    assert psutil.Process().memory_info().rss - before < 100 * MEGABYTE
    assert time.process_time() - started < 1


def test_invalid_list_is_not_validated_to_its_end() -> None:
    """An error of each of the items would take a second."""
    body = b'{"model":"x","messages":[' + b"{}," * 90_000 + b"{}]}"
    started = time.process_time()
    with pytest.raises(InvalidRequest, match=r"messages\[0\].role"):
        parse_json(body, ChatRequest)
    assert time.process_time() - started < 0.2
