"""The fake Bot API server on its own thread, for tests that are not coroutines."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from tests.bots.bot_api_json import TOKEN
from tests.bots.telegram_server import SentMessage, TelegramServer


class TelegramServerThread:
    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.server = TelegramServer(token)

    @property
    def url(self) -> str:
        return self.server.url

    def __enter__(self) -> "TelegramServerThread":
        self._thread.start()
        self.run(self.server.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.server.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def push(self, **fields: Any) -> None:
        self.run(self.server.push(**fields))

    def wait_for_messages(self, count: int, timeout_s: float) -> list[SentMessage]:
        return self.run(self.server.wait_for_messages(count, timeout_s))

    def run(self, work: Coroutine[Any, Any, Any], timeout_s: float = 120) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)
