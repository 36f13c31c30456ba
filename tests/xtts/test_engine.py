"""The engine xtts with a tiny model on the CPU."""

import asyncio
import math
import shutil
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import torch
from safetensors.torch import load_file

from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import EngineFailed, ModelMissing, Overloaded, VoiceNotFound
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.contracts.voice_settings import PresetParams
from deployments.engines.conformance import SPEECH_CHECKS, check_restart, collect, live_streams
from deployments.engines.registry import EngineSpec
from deployments.engines.speech.xtts import XttsEngine
from deployments.engines.speech.xtts_options import XttsOptions
from deployments.engines.speech.xtts_text import CHARACTER_LIMITS
from deployments.voice import SpeechSynthesis
from tests.waiting import wait_until
from tests.xtts.conftest import TinyXtts
from tests.xtts.tiny_model import MAX_TOKENS, build_model, load_small, write_voice

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TOKEN_SECONDS = 1024 / 22_050
HELLO = "Hello there, how are you?"


def options(tiny: TinyXtts, **fields: Any) -> XttsOptions:
    return XttsOptions(model=tiny.model, voices=fields.pop("voices", tiny.voices), device="cpu", threads=1, **fields)


def small_engine(options: XttsOptions) -> XttsEngine:
    return XttsEngine(options, load_small)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tiny: TinyXtts) -> AsyncIterator[XttsEngine]:
    engine = small_engine(options(tiny, queue_timeout_s=60))
    await engine.start()
    yield engine
    await engine.stop()


async def sound(engine: XttsEngine, text: str = HELLO, voice: str = "lidia", **fields: Any) -> np.ndarray:
    torch.manual_seed(5)
    chunks = await collect(engine.synthesize(SpeechRequest(text, voice, **fields)))
    return np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2").astype(np.float32) / 32_768


@pytest.mark.parametrize("check", SPEECH_CHECKS, ids=lambda check: check.__name__)
async def test_conformance(engine: XttsEngine, check: Any) -> None:
    await check(engine)


async def test_engine_can_be_restarted(engine: XttsEngine) -> None:
    await check_restart(engine)


async def test_voices_come_from_folders(engine: XttsEngine) -> None:
    gulya, lidia = engine.voices()
    assert (gulya.id, gulya.name, lidia.id, lidia.name) == ("gulya", "gulya", "lidia", "Лидия")
    assert (set(gulya.languages), lidia.languages) == (set(CHARACTER_LIMITS), ("ru", "en"))
    assert {voice.rate for voice in engine.voices()} == {24_000}


@pytest.mark.parametrize("language", CHARACTER_LIMITS)
async def test_every_language_is_spoken(engine: XttsEngine, language: str) -> None:
    texts = {"ru": "Да.", "zh": "你好。", "ja": "はい。", "ko": "네.", "ar": "نعم.", "hi": "हाँ।"}
    assert (await sound(engine, texts.get(language, "Si."), "gulya", language=language)).size


async def test_sound_has_no_clicks(engine: XttsEngine) -> None:
    """Same tokens, other pieces, same sound; and it begins and ends in silence."""
    whole = await sound(engine)
    in_pieces = small_engine(options_of(engine, first_chunk_tokens=4, chunk_tokens=4))
    await in_pieces.start()
    pieces = await sound(in_pieces)
    await in_pieces.stop()
    assert pieces.shape == whole.shape
    assert np.abs(pieces - whole).max() <= 2 / 32_768
    assert abs(whole[0]) <= 1 / 32_768
    assert abs(whole[-1]) <= 1 / 32_768
    assert np.abs(whole).max() > 100 / 32_768


def options_of(engine: XttsEngine, **fields: Any) -> XttsOptions:
    return engine._options.model_copy(update=fields)


@pytest.fixture
def calls(engine: XttsEngine) -> Iterator[list[dict[str, Any]]]:
    """What the GPT of the model is called with."""
    seen: list[dict[str, Any]] = []
    assert engine._model is not None
    gpt = engine._model.xtts.gpt
    plain = gpt.get_generator

    def record(**arguments: Any) -> Any:
        seen.append(arguments)
        return plain(**arguments)

    gpt.get_generator = record
    yield seen
    del gpt.get_generator


class SlowGpt:
    """Lets the GPT of the model take as many tokens as ``allow`` says. ``taken`` counts them, ``texts`` the calls."""

    def __init__(self, gpt: Any) -> None:
        self.taken = self.texts = 0
        self._allowed = threading.Semaphore(0)
        self._plain = gpt.get_generator

    def allow(self, tokens: int) -> None:
        self._allowed.release(tokens)

    def __call__(self, **arguments: Any) -> Iterator[Any]:
        self.texts += 1
        for item in self._plain(**arguments):
            self._allowed.acquire(timeout=60)
            self.taken += 1
            yield item


@pytest.fixture
def slow_gpt(engine: XttsEngine) -> Iterator[SlowGpt]:
    assert engine._model is not None
    gpt = engine._model.xtts.gpt
    gpt.get_generator = slow = SlowGpt(gpt)
    yield slow
    slow.allow(10_000)
    del gpt.get_generator


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.5])
async def test_first_sound_needs_few_tokens(engine: XttsEngine, slow_gpt: SlowGpt, speed: float) -> None:
    slow_gpt.allow(math.ceil(11 * speed))
    async with Closing(engine.synthesize(SpeechRequest(HELLO, "lidia", speed=speed))) as chunks:
        async with asyncio.timeout(30):
            assert (await anext(chunks)).seconds == 0.2


async def test_closed_stream_stops_between_tokens(engine: XttsEngine, slow_gpt: SlowGpt) -> None:
    slow_gpt.allow(11)
    streams: dict[asyncio.Future[SpeechChunk], AsyncIterator[SpeechChunk]] = {}
    for _ in range(4):
        stream = engine.synthesize(SpeechRequest(HELLO, "lidia"))
        streams[asyncio.ensure_future(anext(stream))] = stream
    (first,), waiting = await asyncio.wait(streams, return_when=asyncio.FIRST_COMPLETED)
    await wait_until(lambda: live_streams(engine) == 4, timeout_s=10)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await streams[first].aclose()  # type: ignore[attr-defined]
    slow_gpt.allow(100)
    await wait_until(lambda: live_streams(engine) == 0, timeout_s=10)
    assert slow_gpt.taken <= 12
    assert slow_gpt.texts == 1


async def test_presets_reach_the_model_and_change_the_sound(
    engine: XttsEngine, tiny: TinyXtts, calls: list[dict[str, Any]]
) -> None:
    sounds: list[bytes] = []
    custom = PresetParams(
        temperature=1.7, repetition_penalty=9, top_k=3, top_p=0.4, gpt_cond_len=7, gpt_cond_chunk_len=2
    )
    for parameters in (*(preset.params for preset in BUILTIN_PRESETS), custom):
        spoken = await sound(engine, parameters=parameters, speed=parameters.speed, language="en")
        sounds.append(spoken.tobytes())
        expected = {"temperature", "repetition_penalty", "top_k", "top_p"}
        assert {name: calls[-1][name] for name in expected} == parameters.model_dump(include=expected)
        assert spoken.size == pytest.approx(calls_seconds() / parameters.speed * 24_000, rel=0.05)
    assert len(set(sounds)) == len(sounds)
    stored = list((tiny.voices / "lidia" / ".latents").glob("*.safetensors"))
    conditions = {load_file(path)["gpt_cond_latent"].numpy().tobytes() for path in stored}
    assert len(stored) == len(conditions) == 6


def calls_seconds() -> float:
    """How long the tiny model speaks at speed 1."""
    return MAX_TOKENS * _TOKEN_SECONDS


async def test_latents_are_computed_once(tiny: TinyXtts, tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    write_voice(voices / "anna")
    engine = small_engine(options(tiny, voices=voices, queue_timeout_s=60))
    await engine.start()
    (stored,) = (voices / "anna" / ".latents").iterdir()
    written = stored.stat().st_mtime_ns
    await check_restart(engine)
    assert stored.stat().st_mtime_ns == written
    stored.write_bytes(b"\x80\x04cposix\nsystem\n.")  # a pickle is no safetensors
    await engine.stop()
    await engine.start()
    assert set(load_file(stored)) == {"gpt_cond_latent", "speaker_embedding"}
    before = engine.voices()[0].model_id
    shutil.rmtree(voices / "anna")
    write_voice(voices / "anna", pitch=300)
    await wait_until(lambda: engine.voices()[0].model_id != before, timeout_s=10)
    assert (await sound(engine, voice="anna")).size
    assert len(list((voices / "anna" / ".latents").iterdir())) == 1
    await engine.stop()


async def test_new_voice_needs_no_restart(tiny: TinyXtts, tmp_path: Path) -> None:
    engine = small_engine(options(tiny, voices=tmp_path / "voices"))
    await engine.start()
    with pytest.raises(VoiceNotFound, match="voices"):
        engine.synthesize(SpeechRequest(HELLO))
    (tmp_path / "voices" / "no-voice").mkdir(parents=True)
    write_voice(tmp_path / "new" / "mine")
    (tmp_path / "new" / "mine").rename(tmp_path / "voices" / "mine")
    await wait_until(lambda: [voice.id for voice in engine.voices()] == ["mine"], timeout_s=10)
    assert (await sound(engine, voice="mine")).size
    await engine.stop()


@pytest.mark.parametrize("bits", [8, 32])
async def test_unusable_sample_says_what_is_wrong(tiny: TinyXtts, tmp_path: Path, bits: int) -> None:
    folder = write_voice(tmp_path / "voices" / "bad")
    with wave.open(str(folder / "sample-0.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(bits // 8)
        file.setframerate(22_050)
        file.writeframes(bytes(100_000))
    engine = small_engine(options(tiny, voices=tmp_path / "voices"))
    await engine.start()
    with pytest.raises(EngineFailed, match=f"{bits} bits"):
        await sound(engine, voice="bad")
    await engine.stop()


async def test_long_text_is_divided(engine: XttsEngine, calls: list[dict[str, Any]]) -> None:
    text = "слово, " * 60
    assert (await sound(engine, text, language="ru")).size > 2.5 * calls_seconds() * 24_000
    assert len(calls) == 3


@pytest.mark.parametrize("text", ["[STOP][ru] hi", "\x00\x07 hm", "😀 ok", "<speak>hi</speak>", "x" * 700, "9" * 20])
async def test_odd_text_is_spoken(engine: XttsEngine, text: str) -> None:
    assert (await sound(engine, text, language="en")).size


async def test_number_without_words_is_refused(engine: XttsEngine) -> None:
    with pytest.raises(EngineFailed, match="cannot read"):
        await sound(engine, "9" * 160, language="ar")
    assert live_streams(engine) == 0


async def test_slow_reader_keeps_nobody_waiting(engine: XttsEngine) -> None:
    async with Closing(engine.synthesize(SpeechRequest(HELLO, "lidia"))) as paused:
        await anext(paused)
        assert (await sound(engine)).size


async def test_text_that_waits_too_long_is_refused(tiny: TinyXtts) -> None:
    engine = small_engine(options(tiny, queue_timeout_s=0.05))
    await engine.start()
    first = asyncio.create_task(sound(engine))
    await wait_until(lambda: live_streams(engine) == 1, timeout_s=5)
    with pytest.raises(Overloaded, match="others are ahead"):
        await sound(engine)
    assert (await first).size
    await engine.stop()


async def test_next_engine_speaks_when_the_line_is_long(tiny: TinyXtts) -> None:
    options = {"model": str(tiny.model), "voices": str(tiny.voices), "device": "cpu", "queue_timeout_s": 0.05}
    specs = EngineSpec(engine="xtts", options=options), EngineSpec(engine="tone", options={"languages": ["en"]})
    synthesis = SpeechSynthesis("voice", specs, tiny.model.parent)
    await synthesis.start()
    await wait_until(synthesis.ready, timeout_s=60)
    request = SpeechRequest(HELLO, "lidia", "en")
    first = asyncio.create_task(collect(synthesis.synthesize(request)))
    await wait_until(lambda: synthesis.ongoing() == 1, timeout_s=5)
    second = await collect(synthesis.synthesize(request))
    assert [{chunk.substitute for chunk in chunks} for chunks in (await first, second)] == [{False}, {True}]
    await synthesis.stop()


class _Touch:
    """A pickle that executes code when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


async def test_checkpoint_of_coqui_loads_and_runs_no_code(tmp_path: Path) -> None:
    model = build_model(tmp_path / "xtts-v2", as_pickle=True)
    engine = XttsEngine(XttsOptions(model=model, device="cpu"))
    await engine.start()
    assert engine.status().ready
    await engine.stop()
    torch.save({"model": {}, "config": _Touch(tmp_path / "executed")}, model / "model.pth")
    with pytest.raises(EngineFailed):
        await engine.start()
    assert not (tmp_path / "executed").exists()
    (model / "model.pth").unlink()
    with pytest.raises(ModelMissing, match="models pull xtts-v2"):
        await engine.start()
