"""Texts that crash espeak-ng, and speech workers that are killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import NoSound
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.engines.conformance import SENTENCE, collect, collect_speech, machine_load_factor
from deployments.engines.registry import build_engine
from deployments.engines.speech.espeak_worker import PHONEMES, SYNTHESIS
from deployments.engines.speech.speech_workers import SpeechWorkers
from deployments.isolation.errors import WorkerDied
from deployments.isolation.frames import Header
from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_pool import WorkerPool
from deployments.text.phonemizable import phonemizable, plain_words
from tests.contract.engine_options import engine_options
from tests.contract.hostile_speech_texts import CRASHING_TEXTS, HOSTILE_TEXTS
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPEAK: Header = {"do": "speak", "tag": "ru", "identifier": "zle/ru", "words_per_minute": 450, "volume": 100}
PHONEMIZE: Header = {"voice": "ru"}
TARGETS = pytest.mark.parametrize(("target", "header"), [(SYNTHESIS, SPEAK), (PHONEMES, PHONEMIZE)])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def espeak() -> AsyncIterator[SpeechEngine]:
    engine = build_engine("speech", "espeak")
    await engine.start()
    yield engine
    await engine.stop()


@TARGETS
async def test_hostile_texts_do_not_crash_a_worker(target: str, header: Header) -> None:
    workers = SpeechWorkers("speech test", target)
    await workers.start()
    await wait_until(lambda: len(workers.pids) == 2, timeout_s=20)
    pids = workers.pids
    for text in (*CRASHING_TEXTS, *(text[:400] for text in HOSTILE_TEXTS)):
        await collect(workers.speak(text, header))
    assert set(workers.pids) == set(pids)
    await workers.stop()


@TARGETS
async def test_raw_text_ends_one_worker_only(target: str, header: Header) -> None:
    pool = WorkerPool(WorkerSpec("speech test", target))
    await pool.start()
    await wait_until(lambda: len(pool.pids) == 2, timeout_s=20)
    with pytest.raises(WorkerDied, match=r"SIGABRT|SIGSEGV"):
        await collect(pool.call(header, CRASHING_TEXTS[1].encode(), deadline_s=20))
    started = time.monotonic()
    assert await collect(pool.call(header, "Да.".encode(), deadline_s=20))
    assert time.monotonic() - started < 0.2 * machine_load_factor()
    await pool.stop()


async def test_text_that_kills_workers_has_no_sound() -> None:
    workers = SpeechWorkers("speech test", "tests.contract.dying_speech:open_dying")
    await workers.start()
    assert [header for header, _ in await collect(workers.speak("harmless!", {}))] == [{"text": "harmless!"}]
    assert [header for header, _ in await collect(workers.speak("kills!", {}))] == [{"text": "kills"}]
    with pytest.raises(NoSound):
        await collect(workers.speak("kills always", {}))
    assert await collect(workers.speak("harmless", {}))
    await workers.stop()


async def test_engine_speaks_while_its_workers_are_killed(espeak: SpeechEngine) -> None:
    pids = espeak._workers.pids  # type: ignore[attr-defined]
    speaking = asyncio.create_task(collect_speech(espeak, SENTENCE))
    for pid in pids[:1]:
        os.kill(pid, signal.SIGSEGV)
    await asyncio.gather(speaking, return_exceptions=True)
    assert await collect_speech(espeak, SENTENCE)
    assert espeak.status().ready


@pytest.mark.model
async def test_piper_speaks_hostile_texts() -> None:
    engine = build_engine("speech", "piper", engine_options("piper"))
    await engine.start()
    for text in CRASHING_TEXTS[:2]:
        async with Closing(engine.synthesize(SpeechRequest(text, language="en"))) as chunks:
            assert isinstance(await anext(chunks), SpeechChunk)
    assert await collect_speech(engine, "One more caller.")
    await engine.stop()


@pytest.mark.parametrize(
    "text",
    [
        "Hello, this is the secretary. How's the e-mail at 10:30?",
        "Здравствуйте! В 1990-х гг. было 1,000,000 руб. — «да» (и т.д.)...",
        "U.S.A., don't, Rindfleischetikettierung; ¿qué?",
        "नमस्ते दुनिया, שלום עולם, Đường phố 你好世界。",
    ],
)
async def test_ordinary_text_keeps_its_shape(text: str) -> None:
    assert phonemizable(text) == text


@pytest.mark.parametrize("shape", [phonemizable, plain_words])
async def test_shaped_text_is_bounded(shape: object) -> None:
    for text in HOSTILE_TEXTS:
        shaped = shape(text)  # type: ignore[operator]
        assert max(map(len, shaped.split()), default=0) <= 28
        assert max(map(len, shaped.replace(" ,", "\n").split("\n"))) <= 300
