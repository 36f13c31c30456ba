"""Shared state in Redis. Callers never see its errors and wait at most for a short timeout.

After a failure no requests are sent; a background task probes the server until it responds again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PREFIX = "secretary:"
_TTL_S = 24 * 60 * 60
_MAX_BYTES = 4_000_000
_PROBE_TIMEOUT_S = 1.0
_CANCEL_RETRY_S = 0.1
_SCAN_COUNT = 500
_MAX_CONCURRENT = 16
"""Concurrent requests per process. Redis executes one command at a time, so more would not be faster."""
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
"""The token bucket of RequestRateLimiter, by the clock of the Redis server."""


class RedisState:
    """Implements SharedState.

    ``timeout_s`` bounds each request and, separately, the wait for ``semaphore``, which bounds concurrent requests.
    ``probe_interval_s`` is the time between two probes of an unavailable server.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 0.05,
        probe_interval_s: float = 2.0,
        semaphore: asyncio.Semaphore | None = None,
    ) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_PROBE_TIMEOUT_S,
            socket_connect_timeout=_PROBE_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._bucket = self._redis.register_script(_BUCKET_SCRIPT)
        self._timeout_s = timeout_s
        self._probe_interval_s = probe_interval_s
        self._semaphore = semaphore or asyncio.Semaphore(_MAX_CONCURRENT)
        self._unavailable = asyncio.Event()
        self._unavailable.set()
        self._probe_task: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """Whether the last request or probe succeeded."""
        return not self._unavailable.is_set()

    async def start(self) -> None:
        """Starts the probe task. Does not wait for the server."""
        self._probe_task = asyncio.create_task(self._probe_until_available())

    async def stop(self) -> None:
        """Stops the probe task and closes all connections."""
        task, self._probe_task = self._probe_task, None
        self._unavailable.set()
        while task is not None and not task.done():
            task.cancel()  # redis may swallow one cancellation while it reads a reply
            await asyncio.wait((task,), timeout=_CANCEL_RETRY_S)
        await self._redis.aclose()

    async def take(self, name: str, per_minute: int) -> float | None:
        wait_s = await self._request(lambda: self._bucket(keys=[f"{_PREFIX}rate:{name}"], args=[per_minute]))
        return None if wait_s is None else float(wait_s)

    async def get(self, name: str) -> bytes | None:
        content: object = await self._request(lambda: self._redis.get(f"{_PREFIX}phrase:{name}"))
        return content if isinstance(content, bytes) else None

    async def put(self, name: str, content: bytes) -> None:
        if len(content) <= _MAX_BYTES:
            await self._request(lambda: self._redis.set(f"{_PREFIX}phrase:{name}", content, ex=_TTL_S))

    async def forget(self, group: str) -> None:
        """Walks over all keys in small steps; stops when the server becomes unavailable."""
        cursor, pattern = 0, f"{_PREFIX}phrase:{group}:*"
        while True:
            found = await self._request(partial(self._redis.scan, cursor, match=pattern, count=_SCAN_COUNT))
            if found is None:
                return
            cursor, names = found
            if names:
                await self._request(partial(self._redis.unlink, *names))
            if not cursor:
                return

    async def _request(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """The response; None while the server is unavailable, after a failure, or when ``semaphore`` is not acquired in
        time. Only a failed request marks the server unavailable."""
        if self._unavailable.is_set() or not await self._acquire():
            return None
        try:
            return None if self._unavailable.is_set() else await self._execute(command)
        finally:
            self._semaphore.release()

    async def _acquire(self) -> bool:
        """Whether ``semaphore`` was acquired in time."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._semaphore.acquire()
        except TimeoutError:
            return False

    async def _execute(self, command: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await command()
        except ResponseError as error:
            logger.debug("Redis rejected a command: %s", error)
            return None
        except (RedisError, OSError, TimeoutError) as error:
            if not self._unavailable.is_set():
                logger.warning(
                    "Redis is unavailable (%s): each process uses its own limits and cache until it responds",
                    _name(error),
                )
            self._unavailable.set()
            return None

    async def _probe_until_available(self) -> None:
        while True:
            await self._unavailable.wait()
            if await self._probe():
                logger.info("Redis is available: rate limits and phrases are shared")
                self._unavailable.clear()
            else:
                await asyncio.sleep(self._probe_interval_s)

    async def _probe(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            return False


def _name(error: BaseException) -> str:
    return type(error).__name__
