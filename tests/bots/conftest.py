from collections.abc import AsyncIterator

import pytest

from tests.bots.server import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running
