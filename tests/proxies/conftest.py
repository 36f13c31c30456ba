from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.proxies.proxied_door import Provider, ProxiedDoor, running_provider
from tests.servers.vless import FarEnd, TestAuthority, make_authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process and the cores that it starts trust the test authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    return authority.certificate


@pytest.fixture
def far_ends(authority: TestAuthority) -> Iterator[list[FarEnd]]:
    """Three far ends: TCP, websocket, TLS."""
    ends = [FarEnd("tcp"), FarEnd("ws"), FarEnd("tls", authority)]
    try:
        for end in ends:
            end.start()
        yield ends
    finally:
        for end in ends:
            end.kill()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_provider() as running:
        yield running


@pytest.fixture
async def door(provider: Provider) -> AsyncIterator[ProxiedDoor]:
    door = ProxiedDoor(provider)
    yield door
    await door.clouds.close()
