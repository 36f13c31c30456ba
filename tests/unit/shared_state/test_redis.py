"""Shared state on a real Redis that is killed, frozen, filled with rubbish and brought back."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.api.limits import RequestRateLimiter
from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.contracts.errors import RateLimited
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.shared_phrase_cache import SharedPhraseCache, decode_phrase, encode_phrase
from deployments.shared_state.factory import create_shared_state
from deployments.shared_state.null import NullSharedState
from deployments.shared_state.redis_state import RedisState
from tests.servers.redis import RedisServer

PATIENCE_S = 0.25
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
    async with asking(server) as opened:
        yield opened


@contextlib.asynccontextmanager
async def asking(
    server: RedisServer, patience_s: float = PATIENCE_S, turns: asyncio.Semaphore | None = None
) -> AsyncIterator[RedisState]:
    opened = RedisState(server.url, patience_s, 0.05, turns)
    await opened.start()
    await _until(lambda: opened.available)
    yield opened
    await opened.stop()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def _taken(rate: RequestRateLimiter, tries: int, per_minute: int) -> int:
    taken = 0
    for _ in range(tries):
        with contextlib.suppress(RateLimited):
            await rate.take(1, per_minute)
            taken += 1
    return taken


async def test_two_doors_draw_from_one_allowance(server: RedisServer, state: RedisState) -> None:
    other = RedisState(server.url, PATIENCE_S)
    await other.start()
    await _until(lambda: other.available)
    doors = [RequestRateLimiter(time.time, state), RequestRateLimiter(time.time, other)]
    taken = await asyncio.gather(*(_taken(door, 10, 10) for door in doors))
    assert sum(taken) == 10
    await other.stop()


async def test_an_allowance_refills_by_the_clock_of_the_server(state: RedisState) -> None:
    assert await state.take("refill", 1) == 0
    wait = await state.take("refill", 1)
    assert wait is not None
    assert 55 < wait <= 60
    assert await state.take("often", 6000) == 0
    assert await state.take("often", 6000) == 0


async def test_phrases_come_back_to_another_process(server: RedisServer, state: RedisState) -> None:
    await SharedPhraseCache(state).put(KEY, PHRASE)
    other = RedisState(server.url, PATIENCE_S)
    await other.start()
    await _until(lambda: other.available)
    assert await SharedPhraseCache(other).get(KEY) == PHRASE
    assert await SharedPhraseCache(other).get(PhraseKey("irina", "m2", "ru", 1.0, "Здравствуйте")) is None
    await other.stop()


async def test_no_word_of_a_phrase_is_shared(server: RedisServer, state: RedisState) -> None:
    key = PhraseKey("irina", "m1", "en", 1.0, "Your balance is 42")
    await SharedPhraseCache(state).put(key, (SpeechChunk(b"\1\2" * 500, PCM16_8K, key.text, 0),))
    with server.client() as client:
        kept = [name + client.get(name) for name in client.scan_iter(b"*")]
    assert kept
    assert not any(b"balance" in entry for entry in kept)


async def _timed(question: Awaitable[object]) -> float:
    began = time.monotonic()
    await question
    return time.monotonic() - began


async def test_killed_in_the_middle_everyone_goes_on_alone_and_together_again_afterwards(
    server: RedisServer, state: RedisState
) -> None:
    rate, shelf = RequestRateLimiter(time.time, state), SharedPhraseCache(state)
    assert await _taken(rate, 3, 5) == 3
    server.kill()
    assert await _taken(rate, 10, 5) == 5
    assert not state.available
    assert await shelf.get(KEY) is None
    await shelf.put(KEY, PHRASE)
    await asyncio.to_thread(server.start)
    await _until(lambda: state.available)
    await shelf.put(KEY, PHRASE)
    assert await shelf.get(KEY) == PHRASE
    assert await _taken(rate, 10, 5) == 5


async def test_a_server_that_hangs_costs_one_short_wait(server: RedisServer, state: RedisState) -> None:
    assert await state.take("x", 100) == 0
    server.send_signal(signal.SIGSTOP)
    try:
        assert await _timed(state.take("x", 100)) < PATIENCE_S + 0.2
        assert not state.available
        assert await _timed(asyncio.gather(*(state.take("x", 100) for _ in range(100)))) < PATIENCE_S
    finally:
        server.send_signal(signal.SIGCONT)
    await _until(lambda: state.available)
    assert await state.take("x", 100) == 0


async def test_more_questions_than_connections_are_asked_one_after_the_other(server: RedisServer) -> None:
    async with asking(server, patience_s=5) as crowded:
        began = time.monotonic()
        waits = await asyncio.gather(*(crowded.take("crowd", 60) for _ in range(200)))
        refilled = time.monotonic() - began
        assert crowded.available
    assert None not in waits
    assert 60 <= waits.count(0) <= 60 + refilled
    with server.client() as client:
        assert client.info("clients")["connected_clients"] < 32


async def test_who_finds_no_free_connection_goes_on_alone_and_the_server_is_not_away(server: RedisServer) -> None:
    turns = asyncio.Semaphore(1)
    async with asking(server, turns=turns) as crowded:
        async with turns:
            assert await _timed(_nothing(crowded.take("x", 100))) < PATIENCE_S + 0.2
            assert crowded.available
        assert await crowded.take("x", 100) == 0


async def _nothing(question: Awaitable[object]) -> None:
    assert await question is None


async def test_a_server_that_refuses_is_as_good_as_none(server: RedisServer, state: RedisState) -> None:
    with server.client() as client:
        client.set("secretary:rate:key:1", "not a bucket")
        assert await _taken(RequestRateLimiter(time.time, state), 5, 3) == 3
    assert state.available


async def test_stopping_in_the_middle_of_anything_ends_soon(server: RedisServer) -> None:
    for delay_ms in range(30):
        state = RedisState(server.url, PATIENCE_S, probe_interval_s=0.001)
        await state.start()
        asking = asyncio.create_task(state.take("x", 100))
        await asyncio.sleep(delay_ms / 4000)
        async with asyncio.timeout(2):
            await state.stop()
            await asking


async def test_without_a_server_nothing_fails_and_nothing_waits() -> None:
    state = RedisState("redis://127.0.0.1:1/0")
    await state.start()
    assert await _timed(state.take("x", 1)) < 0.05
    assert await state.get("x") is None
    await state.stop()


async def test_without_an_address_or_library_everyone_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(create_shared_state(""), NullSharedState)
    assert isinstance(create_shared_state("redis://127.0.0.1:1"), RedisState)
    monkeypatch.setitem(sys.modules, "redis", None)
    assert isinstance(create_shared_state("redis://127.0.0.1:1"), NullSharedState)
    assert await _taken(RequestRateLimiter(time.time, NullSharedState()), 5, 3) == 3


@given(st.lists(st.binary(max_size=20), max_size=5), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_a_phrase_is_read_as_it_was_written(blocks: list[bytes], text: str) -> None:
    chunks = tuple(SpeechChunk(audio, PCM16_8K, "" if n else text, n) for n, audio in enumerate(blocks))
    assert decode_phrase(encode_phrase(chunks), text) == chunks


@given(st.binary(max_size=300), st.integers(0, 300))
def test_rubbish_is_no_phrase(rubbish: bytes, cut: int) -> None:
    whole = encode_phrase(PHRASE)
    assert decode_phrase(rubbish, KEY.text) is None
    assert decode_phrase(whole[:cut], KEY.text) is None
    assert decode_phrase(whole + b"x", KEY.text) is None
