"""What a cloud engine needs of HTTP. The implementation checks addresses and adds the key, so engines never see it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class ProviderResponse(Protocol):
    """A response whose body is read piece by piece."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def aiter_raw(self) -> AsyncIterator[bytes]: ...


class ProviderConnection(Protocol):
    """Connections to one provider, which stay open between requests.

    ``path`` is relative to the base URL; an ``alternative_path`` replaces the end ``/v1`` of the base URL. Raises
    OutboundRefused, Unavailable and EngineTimeout.
    """

    def post(
        self, path: str, headers: Mapping[str, str], content: bytes, alternative_path: str = ""
    ) -> AbstractAsyncContextManager[ProviderResponse]: ...

    def get(self, path: str) -> AbstractAsyncContextManager[ProviderResponse]: ...

    async def fetch_image(self, url: str) -> tuple[str, bytes]:
        """The media type and the bytes of an image on the web. No key is sent. Raises InvalidRequest, too."""
        ...

    async def close(self) -> None: ...
