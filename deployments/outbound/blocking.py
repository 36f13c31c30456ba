"""The checked client for code that runs in a thread and waits: the same client, on an event loop of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from deployments.outbound.client import CheckedClient, FetchedResponse, OriginKey


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """An answer whose body is still on its way; ``pieces`` gives what arrives as it arrives, unpacked, once."""

    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


class BlockingClient:
    """Takes ``client`` over and closes it. Belongs to one thread, which runs no event loop of its own."""

    def __init__(self, client: CheckedClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runner.run(self._client.aclose())
        finally:
            self._runner.close()

    def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, key: OriginKey | None = None
    ) -> FetchedResponse:
        """The whole answer to a GET. Raises as ``CheckedClient.fetch``."""
        return self._runner.run(self._client.fetch("GET", url, headers=headers, key=key))

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, key: OriginKey | None = None
    ) -> Iterator[StreamedResponse]:
        """The answer to a GET while it arrives. Raises as ``CheckedClient.stream``, from ``pieces`` too."""
        asked = self._client.stream("GET", url, headers=headers, key=key)
        response = self._runner.run(asked.__aenter__())
        try:
            yield StreamedResponse(response.status_code, response.headers, self._pieces(response.aiter_raw()))
        finally:
            self._runner.run(asked.__aexit__(None, None, None))

    def _pieces(self, body: AsyncIterator[bytes]) -> Iterator[bytes]:
        arrived: list[bytes] = []
        while self._runner.run(_next(body, arrived)):
            yield arrived.pop()


async def _next(body: AsyncIterator[bytes], arrived: list[bytes]) -> bool:
    """Appends the next piece. It is no result of the coroutine: the runner formats its task, result and all, as it
    takes back its handler of Ctrl-C, which costs more than the piece's whole way here."""
    async for piece in body:
        arrived.append(piece)
        return True
    return False
