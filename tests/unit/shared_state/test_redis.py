"""Shared state with a real Redis server that is killed, stopped and restarted."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.api.limits import RequestRateLimiter
from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.contracts.errors import RateLimited
from deployments.contracts.voice_settings import PresetParams
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.shared_phrase_cache import SharedPhraseCache, decode_phrase, encode_phrase
from deployments.shared_state.factory import create_shared_state
from deployments.shared_state.null import NullSharedState
from deployments.shared_state.redis_state import RedisState
from tests.servers.redis import RedisServer

TIMEOUT_S = 0.25
KEY = PhraseKey("irina", "m1", "ru", 1.0, "Здравствуйте")
PHRASE = (SpeechChunk(b"\1\2" * 500, PCM16_8K, "Здравствуйте", 0), SpeechChunk(b"\3\4" * 500, PCM16_8K, "", 1))


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    with running.client() as client:
        client.flushall()
    return running


@pytest.fixture
async def state(server: RedisServer) -> AsyncIterator[RedisState]:
    async with redis_state(server) as opened:
        yield opened


@contextlib.asynccontextmanager
async def redis_state(
    server: RedisServer, timeout_s: float = TIMEOUT_S, semaphore: asyncio.Semaphore | None = None
) -> AsyncIterator[RedisState]:
    opened = RedisState(server.url, timeout_s, 0.05, semaphore)
    await opened.start()
    await _until(lambda: opened.available)
    yield opened
    await opened.stop()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def _count_admitted(rate: RequestRateLimiter, tries: int, per_minute: int) -> int:
    taken = 0
    for _ in range(tries):
        with contextlib.suppress(RateLimited):
            await rate.take(1, per_minute)
            taken += 1
    return taken


async def test_rate_limit_is_shared_between_processes(server: RedisServer, state: RedisState) -> None:
    other = RedisState(server.url, TIMEOUT_S)
    await other.start()
    await _until(lambda: other.available)
    doors = [RequestRateLimiter(time.time, state), RequestRateLimiter(time.time, other)]
    taken = await asyncio.gather(*(_count_admitted(door, 10, 10) for door in doors))
    assert sum(taken) == 10
    await other.stop()


async def test_rate_limit_refills_by_server_clock(state: RedisState) -> None:
    assert await state.take("refill", 1) == 0
    wait = await state.take("refill", 1)
    assert wait is not None
    assert 55 < wait <= 60
    assert await state.take("often", 6000) == 0
    assert await state.take("often", 6000) == 0


async def test_phrase_is_shared_between_processes(server: RedisServer, state: RedisState) -> None:
    await SharedPhraseCache(state).put(KEY, PHRASE)
    other = RedisState(server.url, TIMEOUT_S)
    await other.start()
    await _until(lambda: other.available)
    assert await SharedPhraseCache(other).get(KEY) == PHRASE
    assert await SharedPhraseCache(other).get(PhraseKey("irina", "m2", "ru", 1.0, "Здравствуйте")) is None
    assert await SharedPhraseCache(other).get(replace(KEY, parameters=PresetParams(temperature=0.5))) is None
    await other.stop()


async def test_phrase_text_is_not_stored(server: RedisServer, state: RedisState) -> None:
    key = PhraseKey("irina", "m1", "en", 1.0, "Your balance is 42")
    await SharedPhraseCache(state).put(key, (SpeechChunk(b"\1\2" * 500, PCM16_8K, key.text, 0),))
    with server.client() as client:
        stored = [name + client.get(name) for name in client.scan_iter(b"*")]
    assert stored
    assert not any(b"balance" in entry for entry in stored)


async def _elapsed_s(request: Awaitable[object]) -> float:
    started = time.monotonic()
    await request
    return time.monotonic() - started


async def test_killed_server_falls_back_and_recovers(server: RedisServer, state: RedisState) -> None:
    rate, cache = RequestRateLimiter(time.time, state), SharedPhraseCache(state)
    assert await _count_admitted(rate, 3, 5) == 3
    server.kill()
    assert await _count_admitted(rate, 10, 5) == 5
    assert not state.available
    assert await cache.get(KEY) is None
    await cache.put(KEY, PHRASE)
    await asyncio.to_thread(server.start)
    await _until(lambda: state.available)
    await cache.put(KEY, PHRASE)
    assert await cache.get(KEY) == PHRASE
    assert await _count_admitted(rate, 10, 5) == 5


async def test_hanging_server_costs_one_timeout(server: RedisServer, state: RedisState) -> None:
    assert await state.take("x", 100) == 0
    server.send_signal(signal.SIGSTOP)
    try:
        assert await _elapsed_s(state.take("x", 100)) < TIMEOUT_S + 0.2
        assert not state.available
        assert await _elapsed_s(asyncio.gather(*(state.take("x", 100) for _ in range(100)))) < TIMEOUT_S
    finally:
        server.send_signal(signal.SIGCONT)
    await _until(lambda: state.available)
    assert await state.take("x", 100) == 0


async def test_requests_above_connections_wait(server: RedisServer) -> None:
    async with redis_state(server, timeout_s=5) as state:
        started = time.monotonic()
        waits = await asyncio.gather(*(state.take("crowd", 60) for _ in range(200)))
        refilled = time.monotonic() - started
        assert state.available
    assert None not in waits
    assert 60 <= waits.count(0) <= 60 + refilled
    with server.client() as client:
        assert client.info("clients")["connected_clients"] < 32


async def test_semaphore_timeout_keeps_server_available(server: RedisServer) -> None:
    semaphore = asyncio.Semaphore(1)
    async with redis_state(server, semaphore=semaphore) as state:
        async with semaphore:
            assert await _elapsed_s(_assert_none(state.take("x", 100))) < TIMEOUT_S + 0.2
            assert state.available
        assert await state.take("x", 100) == 0


async def _assert_none(request: Awaitable[object]) -> None:
    assert await request is None


async def test_command_error_falls_back_to_local_limit(server: RedisServer, state: RedisState) -> None:
    with server.client() as client:
        client.set("secretary:rate:key:1", "not a bucket")
        assert await _count_admitted(RequestRateLimiter(time.time, state), 5, 3) == 3
    assert state.available


async def test_stop_ends_during_any_operation(server: RedisServer) -> None:
    for delay_ms in range(0, 30, 3):
        state = RedisState(server.url, TIMEOUT_S, probe_interval_s=0.001)
        await state.start()
        redis_state = asyncio.create_task(state.take("x", 100))
        await asyncio.sleep(delay_ms / 4000)
        async with asyncio.timeout(2):
            await state.stop()
            await redis_state


async def test_missing_server_does_not_block() -> None:
    state = RedisState("redis://127.0.0.1:1/0")
    await state.start()
    assert await _elapsed_s(state.take("x", 1)) < 0.05
    assert await state.get("x") is None
    await state.stop()


async def test_factory_without_url_or_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(create_shared_state(""), NullSharedState)
    assert isinstance(create_shared_state("redis://127.0.0.1:1"), RedisState)
    monkeypatch.setitem(sys.modules, "redis", None)
    assert isinstance(create_shared_state("redis://127.0.0.1:1"), NullSharedState)
    assert await _count_admitted(RequestRateLimiter(time.time, NullSharedState()), 5, 3) == 3


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=5), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_phrase_encoding_round_trips(blocks: list[bytes], text: str) -> None:
    chunks = tuple(SpeechChunk(audio, PCM16_8K, "" if n else text, n) for n, audio in enumerate(blocks))
    assert decode_phrase(encode_phrase(chunks), text) == chunks


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_damaged_phrase_is_none(damaged: bytes, cut: int) -> None:
    whole = encode_phrase(PHRASE)
    assert decode_phrase(damaged, KEY.text) is None
    assert decode_phrase(whole[:cut], KEY.text) is None
    assert decode_phrase(whole + b"x", KEY.text) is None


async def test_phrases_of_one_voice_are_forgotten(state: RedisState) -> None:
    cache = SharedPhraseCache(state)
    for number in range(40):
        await cache.put(replace(KEY, text=f"{number}"), PHRASE)
    other = replace(KEY, voice_id="boris")
    await cache.put(other, PHRASE)
    await cache.forget(KEY.voice_id)
    assert [await cache.get(replace(KEY, text=f"{number}")) for number in range(40)] == [None] * 40
    assert await cache.get(other) is not None
