"""Bodies are read to a size and within a time, whatever their pace; the reader's own time is not the client's."""

from collections.abc import Iterable, Iterator

import pytest

from deployments.api.errors import RequestTimeout
from deployments.api.request_body import MEGABYTE, check_content_length, limited_receive, read_body
from deployments.contracts.errors import TooLarge

KIBIBYTE = 1024


class Client:
    """Sends each part after so many seconds of a clock that nobody waits for."""

    def __init__(self, parts: Iterable[tuple[float, bytes]]) -> None:
        self._parts: Iterator[tuple[float, bytes]] = iter(parts)
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def receive(self) -> dict[str, object]:
        pause_s, part = next(self._parts, (0.0, b""))
        self.now += pause_s
        return {"type": "http.request", "body": part, "more_body": bool(part)}


async def read(client: Client, most: int = 25 * MEGABYTE) -> bytes:
    return await read_body(limited_receive(client.receive, most, 30, client.clock))


async def test_a_body_that_trickles_is_given_up_after_half_a_minute() -> None:
    client = Client((9, b"x") for _ in range(1000))
    with pytest.raises(RequestTimeout, match="4 KiB a second"):
        await read(client)
    assert client.now == 36


async def test_a_large_upload_over_a_slow_line_comes_through() -> None:
    client = Client((20, b"x" * 20 * 5 * KIBIBYTE) for _ in range(70))
    assert len(await read(client)) == 70 * 20 * 5 * KIBIBYTE
    assert client.now == 1400


async def test_a_start_at_full_speed_does_not_buy_more_than_its_bytes() -> None:
    client = Client([(0, b"x" * 40 * KIBIBYTE), *((9, b"x") for _ in range(1000))])
    with pytest.raises(RequestTimeout):
        await read(client)
    assert client.now == 45


async def test_what_the_reader_does_meanwhile_is_not_the_clients_time() -> None:
    client = Client((1, b"x") for _ in range(10))
    receive = limited_receive(client.receive, MEGABYTE, 30, client.clock)
    for _ in range(10):
        assert (await receive())["body"] == b"x"
        client.now += 1000


@pytest.mark.parametrize(("most", "said"), [(2 * MEGABYTE, "2 MB"), (16 * KIBIBYTE, "16 KiB")])
async def test_what_is_too_large_is_told_with_what_would_do(most: int, said: str) -> None:
    with pytest.raises(TooLarge, match=said):
        check_content_length(b"%d" % (most + 1), most)
    with pytest.raises(TooLarge, match=said):
        await read(Client([(0, b"x" * most), (0, b"x")]), most)
    check_content_length(b"%d" % most, most)
    assert len(await read(Client([(0, b"x" * most)]), most)) == most
