"""A synchronous wrapper of CheckedClient for code that runs in a thread."""

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
    """A response whose body is read while it arrives. ``chunks`` can be iterated once."""

    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


class BlockingClient:
    """Owns and closes ``client``. Use it in one thread that runs no event loop."""

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
        """The whole response to a GET. Raises as ``CheckedClient.fetch``."""
        return self._runner.run(self._client.fetch("GET", url, headers=headers, key=key))

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, key: OriginKey | None = None
    ) -> Iterator[StreamedResponse]:
        """Streams the response to a GET. This and its ``chunks`` raise as ``CheckedClient.stream``."""
        request = self._client.stream("GET", url, headers=headers, key=key)
        response = self._runner.run(request.__aenter__())
        try:
            yield StreamedResponse(response.status_code, response.headers, self._chunks(response.aiter_raw()))
        finally:
            self._runner.run(request.__aexit__(None, None, None))

    def _chunks(self, body: AsyncIterator[bytes]) -> Iterator[bytes]:
        received: list[bytes] = []
        while self._runner.run(_append_next(body, received)):
            yield received.pop()


async def _append_next(body: AsyncIterator[bytes], received: list[bytes]) -> bool:
    """Appends the next chunk to ``received``. Returns False at the end.

    The chunk is not the result of the coroutine, because ``asyncio.Runner`` formats the task with its result when it
    restores the SIGINT handler, which is slow for large results.
    """
    async for chunk in body:
        received.append(chunk)
        return True
    return False
