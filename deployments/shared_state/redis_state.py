"""Shared state in Redis. It may die and come back: callers never wait long for it and never see its errors.

While it is away nobody asks it; a task of its own looks every few seconds whether it answers again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PREFIX = "secretary:"
_KEPT_S = 24 * 60 * 60
_LARGEST = 4_000_000
_LOOK_S = 1.0
_AGAIN_S = 0.1
_MOST_AT_ONCE = 16
"""Questions of one process. Redis answers one at a time, so more connections would make nothing faster."""
_BUCKET_SCRIPT = """
local limit = tonumber(ARGV[1])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local known = redis.call('HMGET', KEYS[1], 'tokens', 'since')
local tokens = tonumber(known[1]) or limit
local since = tonumber(known[2]) or now
tokens = math.min(limit, tokens + math.max(0, now - since) * limit / 60)
local wait = 0
if tokens < 1 then wait = (1 - tokens) * 60 / limit else tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'since', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], 120000)
return tostring(wait)
"""
"""The same bucket as a door keeps for itself, by the server's clock: a minute's allowance, refilled evenly."""


class RedisState:
    """Implements SharedState. ``patience_s`` bounds each question, and the wait for a turn to ask it; ``retry_s`` lies
    between two looks at a server that is away. Every question holds one of the ``turns``, and one connection."""

    def __init__(
        self,
        url: str,
        timeout_s: float = 0.05,
        probe_interval_s: float = 2.0,
        semaphore: asyncio.Semaphore | None = None,
    ) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_LOOK_S,
            socket_connect_timeout=_LOOK_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._bucket = self._redis.register_script(_BUCKET_SCRIPT)
        self._patience_s = timeout_s
        self._retry_s = probe_interval_s
        self._turns = semaphore or asyncio.Semaphore(_MOST_AT_ONCE)
        self._away = asyncio.Event()
        self._away.set()
        self._watch: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """Whether the server answered the last time it was asked."""
        return not self._away.is_set()

    async def start(self) -> None:
        """Begins to look for the server; returns at once, whether it is there or not."""
        self._watch = asyncio.create_task(self._look_after())

    async def stop(self) -> None:
        """Ends the looking and every connection."""
        watch, self._watch = self._watch, None
        self._away.set()
        while watch is not None and not watch.done():
            watch.cancel()  # the library may take one for the end of a reply
            await asyncio.wait((watch,), timeout=_AGAIN_S)
        await self._redis.aclose()

    async def take(self, name: str, per_minute: int) -> float | None:
        answer = await self._ask(lambda: self._bucket(keys=[f"{_PREFIX}rate:{name}"], args=[per_minute]))
        return None if answer is None else float(answer)

    async def get(self, name: str) -> bytes | None:
        found: object = await self._ask(lambda: self._redis.get(f"{_PREFIX}phrase:{name}"))
        return found if isinstance(found, bytes) else None

    async def put(self, name: str, content: bytes) -> None:
        if len(content) <= _LARGEST:
            await self._ask(lambda: self._redis.set(f"{_PREFIX}phrase:{name}", content, ex=_KEPT_S))

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """The answer; None while the server is away, or from the moment it does not answer in time. Where too many ask
        at once, None for those whose turn does not come in time: the server is not away for that."""
        if self._away.is_set() or not await self._turn():
            return None
        try:
            return None if self._away.is_set() else await self._answer(question)
        finally:
            self._turns.release()

    async def _turn(self) -> bool:
        """Whether one of the turns has been taken in time."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._turns.acquire()
        except TimeoutError:
            return False

    async def _answer(self, question: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self._patience_s):
                return await question()
        except ResponseError as error:
            logger.debug("Redis refuses: %s", error)
            return None
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away.is_set():
                logger.warning("Redis is away (%s): everyone counts and keeps alone until it answers", _name(error))
            self._away.set()
            return None

    async def _look_after(self) -> None:
        while True:
            await self._away.wait()
            if await self._answers():
                logger.info("Redis answers: rates and phrases are shared")
                self._away.clear()
            else:
                await asyncio.sleep(self._retry_s)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_LOOK_S):
                return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            return False


def _name(error: BaseException) -> str:
    return type(error).__name__
