"""The engine openvoice with a tiny converter on the CPU, over espeak-ng."""

import asyncio
import itertools
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from deployments.contracts.errors import EngineFailed, ModelMissing, Overloaded, VoiceNotFound
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.engines.conformance import SPEECH_CHECKS, check_restart, collect, live_streams
from deployments.engines.registry import EngineSpec
from deployments.engines.speech.openvoice import OpenVoiceEngine
from deployments.engines.speech.openvoice_options import OpenVoiceOptions
from deployments.engines.speech.tone import SECONDS_PER_CHARACTER
from deployments.voice import SpeechSynthesis
from tests.contract.engine_options import PIPER_MODEL, demo_model_path
from tests.waiting import wait_until
from tests.xtts.test_engine import HELLO, _Touch
from tests.xtts.tiny_converter import build_converter
from tests.xtts.tiny_model import write_voice

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASE = {"engine": "espeak", "options": {"languages": ["en", "ru"]}}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``openvoice-v2``, and the voices ``gulya``, ``lidia`` (Russian and English) and ``ivan``."""
    root = tmp_path_factory.mktemp("models")
    build_converter(root / "openvoice-v2")
    write_voice(root / "voices" / "gulya")
    write_voice(root / "voices" / "lidia", 22, pitch=220, name="Лидия", languages=["ru", "en"])
    write_voice(root / "voices" / "ivan", pitch=90, languages=["en", "pl"])
    return root


def options(models: Path, **fields: Any) -> OpenVoiceOptions:
    known: dict[str, Any] = {"model": models / "openvoice-v2", "bases": [BASE], "device": "cpu", "threads": 1}
    return OpenVoiceOptions(**{**known, "queue_timeout_s": 60, **fields})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(models: Path) -> AsyncIterator[OpenVoiceEngine]:
    engine = OpenVoiceEngine(options(models))
    await engine.start()
    yield engine
    await engine.stop()


async def sound(engine: Any, text: str = HELLO, voice: str = "lidia", language: str | None = "en") -> np.ndarray:
    torch.manual_seed(5)
    chunks = await collect(engine.synthesize(SpeechRequest(text, voice, language)))
    return np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2").astype(np.float32) / 32_768


def spectrum(samples: np.ndarray) -> np.ndarray:
    """The level of 32 bands, dB."""
    power = np.square(np.abs(np.fft.rfft(samples)))[1:]
    return 10 * np.log10(np.array([band.mean() for band in np.array_split(power, 32)]))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.square(one - other).mean()))


@pytest.mark.parametrize("check", SPEECH_CHECKS, ids=lambda check: check.__name__)
async def test_conformance(engine: OpenVoiceEngine, check: Any) -> None:
    await check(engine)


async def test_engine_can_be_restarted(engine: OpenVoiceEngine) -> None:
    await check_restart(engine)


async def test_voices_speak_the_languages_of_the_base(engine: OpenVoiceEngine) -> None:
    gulya, ivan, lidia = engine.voices()
    assert (gulya.languages, ivan.languages, lidia.languages) == (("en", "ru"), ("en",), ("ru", "en"))
    assert (lidia.name, lidia.engine, lidia.rate, lidia.cloned) == ("Лидия", "openvoice", 22_050, True)
    detail = engine.status().detail
    assert (detail["device"], detail["device_reason"]) == ("cpu", "the options of the graph say so")


async def test_targets_change_the_sound_and_not_its_length(
    engine: OpenVoiceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bytes] = []
    speak = engine._bases.speak

    async def record(*arguments: Any) -> AsyncIterator[tuple[str, bytes]]:
        async for piece, pcm in speak(*arguments):
            said.append(pcm)
            yield piece, pcm

    monkeypatch.setattr(engine._bases, "speak", record)
    heard = [await sound(engine, voice=voice) for voice in ("gulya", "lidia", "ivan", "gulya")]
    assert [spoken.size for spoken in heard] == [len(pcm) // 2 for pcm in said]
    base = spectrum(np.frombuffer(said[0], "<i2").astype(np.float32) / 32_768)
    gulya, lidia, ivan, again = (spectrum(spoken) for spoken in heard)
    assert distance(gulya, again) < 1
    assert min(distance(*pair) for pair in itertools.combinations((gulya, lidia, ivan), 2)) > 1.5
    assert min(distance(base, spoken) for spoken in (gulya, lidia, ivan)) > 6


async def test_piper_is_converted(models: Path) -> None:
    piper = {"engine": "piper", "options": {"models": [demo_model_path(PIPER_MODEL)], "threads": 1}}
    engine = OpenVoiceEngine(options(models, bases=[BASE, piper]))
    await engine.start()
    by_id = {voice.id: voice for voice in engine.voices()}
    assert by_id["ivan"].model_id.endswith("+en_US-joe-medium")  # neural voices first
    assert (by_id["lidia"].languages[0], by_id["lidia"].model_id.endswith("+espeak-ru")) == ("ru", True)
    assert (await sound(engine, voice="ivan")).size > 22_050
    await engine.stop()


async def test_tone_colours_are_computed_once(models: Path, tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    write_voice(voices / "anna")
    engine = OpenVoiceEngine(options(models, voices=voices))
    await engine.start()
    (stored,) = (voices / "anna" / ".latents").iterdir()
    written = stored.stat().st_mtime_ns
    await check_restart(engine)
    assert stored.stat().st_mtime_ns == written
    stored.write_bytes(b"\x80\x04cposix\nsystem\n.")  # a pickle is no safetensors
    await engine.stop()
    await engine.start()
    assert set(load_file(stored)) == {"tone_colour"}
    before = engine.voices()[0].model_id
    shutil.rmtree(voices / "anna")
    write_voice(voices / "anna", pitch=300)
    await wait_until(lambda: [v.model_id for v in engine.voices()] not in ([], [before]), timeout_s=10)
    assert (await sound(engine, voice="anna")).size
    await engine.stop()


async def test_voice_is_added_without_a_restart(models: Path, tmp_path: Path) -> None:
    engine = OpenVoiceEngine(options(models, voices=tmp_path / "voices"))
    await engine.start()
    with pytest.raises(VoiceNotFound, match="voices"):
        engine.synthesize(SpeechRequest(HELLO))
    write_voice(tmp_path / "new" / "mine")
    write_voice(tmp_path / "new" / "foreign", languages=["pl"])
    (tmp_path / "new").rename(tmp_path / "voices")
    await wait_until(lambda: [voice.id for voice in engine.voices()] == ["mine"], timeout_s=10)
    assert (await sound(engine, voice="mine", language="ru")).size
    await engine.stop()


async def test_closed_stream_stops_between_layers(engine: OpenVoiceEngine) -> None:
    assert engine._model is not None
    reached, go_on, after = threading.Event(), threading.Event(), []

    def hold(*_: object) -> None:
        reached.set()
        go_on.wait(30)

    network = engine._model.openvoice
    hooks = [
        network.enc_q.pre.register_forward_pre_hook(hold),
        network.dec.conv_pre.register_forward_hook(lambda *_: after.append(1)),
    ]
    stream = engine.synthesize(SpeechRequest(HELLO, "lidia", "en"))
    first = asyncio.ensure_future(anext(stream))
    await wait_until(reached.is_set, timeout_s=10)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await stream.aclose()  # type: ignore[attr-defined]
    go_on.set()
    await wait_until(lambda: live_streams(engine) == 0, timeout_s=10)
    for hook in hooks:
        hook.remove()
    assert not after
    assert (await sound(engine)).size


async def test_long_text_leaves_sentence_by_sentence(engine: OpenVoiceEngine) -> None:
    assert engine._model is not None
    converted: list[int] = []
    hook = engine._model.openvoice.enc_q.register_forward_pre_hook(
        lambda _, inputs: converted.append(inputs[0].shape[-1])
    )
    async with Closing(
        engine.synthesize(SpeechRequest("Good morning. " * 30 + "word " * 400, "lidia", "en"))
    ) as chunks:
        await anext(chunks)
        assert len(converted) <= 2
        async for _ in chunks:
            pass
    hook.remove()
    assert len(converted) > 10
    assert max(converted) <= 6 * 22_050 / 256 + 1
    await wait_until(lambda: live_streams(engine) == 0, timeout_s=5)


@pytest.mark.parametrize("text", ["\x00\x07 hm", "😀 ok", "<speak>hi</speak>", "x" * 700, "9" * 160, "привет hello"])
async def test_odd_text_is_converted(engine: OpenVoiceEngine, text: str) -> None:
    assert (await sound(engine, text, language=None)).size


async def test_sentence_that_waits_too_long_goes_to_the_next_engine(models: Path) -> None:
    engine = OpenVoiceEngine(options(models, queue_timeout_s=0.05))
    await engine.start()
    assert engine._model is not None
    reached, go_on = threading.Event(), threading.Event()
    network = engine._model.openvoice

    def hold(*_: object) -> None:
        reached.set()
        go_on.wait(30)

    network.enc_q.register_forward_pre_hook(hold)
    first = asyncio.create_task(sound(engine))
    await wait_until(reached.is_set, timeout_s=10)
    with pytest.raises(Overloaded, match="others are ahead"):
        await sound(engine)
    go_on.set()
    assert (await first).size
    await engine.stop()


async def test_declared_order_is_followed_when_xtts_is_not_ready(models: Path) -> None:
    """XTTS without its model, OpenVoice, the tone: OpenVoice speaks; when it fails, the tone does."""
    converter: dict[str, Any] = {"model": str(models / "openvoice-v2"), "bases": [BASE], "device": "cpu"}
    specs = (
        EngineSpec(engine="xtts", options={"model": str(models / "xtts-v2"), "voices": str(models / "voices")}),
        EngineSpec(engine="openvoice", options=converter),
        EngineSpec(engine="tone", options={"languages": ["en"], "rate": 8_000}),
    )
    synthesis = SpeechSynthesis("voice", specs, models)
    await synthesis.start()
    await wait_until(lambda: all(host.loaded_engine for host in synthesis._hosts[1:]), timeout_s=60)
    listed = {voice.id: voice.engine for voice in await synthesis.voices()}
    assert (listed["lidia"], await synthesis.absent_voices()) == ("openvoice", ())
    request = SpeechRequest(HELLO, "lidia", "en")
    heard = await collect(synthesis.synthesize(request))
    assert {(chunk.format.rate, chunk.substitute) for chunk in heard} == {(22_050, False)}
    xtts, openvoice, _ = await synthesis.statuses()
    assert (xtts.ready, "models pull xtts-v2" in xtts.error, openvoice.ready) == (False, True, True)
    engine: Any = synthesis._hosts[1].loaded_engine
    engine._model.openvoice.enc_q.register_forward_pre_hook(lambda *_: 1 / 0)
    heard = await collect(synthesis.synthesize(request))
    assert {(chunk.format.rate, chunk.substitute) for chunk in heard} == {(8_000, True)}
    await synthesis.stop()


async def test_next_engine_goes_on_in_the_middle_of_a_text(models: Path) -> None:
    converter: dict[str, Any] = {"model": str(models / "openvoice-v2"), "bases": [BASE], "device": "cpu"}
    specs = (
        EngineSpec(engine="openvoice", options=converter),
        EngineSpec(engine="tone", options={"languages": ["en"], "rate": 8_000}),
    )
    synthesis = SpeechSynthesis("voice", specs, models)
    await synthesis.start()
    await wait_until(synthesis.ready, timeout_s=60)
    engine: Any = synthesis._hosts[0].loaded_engine
    converted: list[None] = []

    def break_off(*_: object) -> None:
        converted.append(None)
        if len(converted) > 1:
            raise RuntimeError("out of memory")

    engine._model.openvoice.enc_q.register_forward_pre_hook(break_off)
    first, rest = "Good morning to all of you.", "We open at nine, and we close at six in the evening."
    heard = await collect(synthesis.synthesize(SpeechRequest(f"{first} {rest}", "lidia", "en")))
    parts = [(chunk.format.rate, chunk.substitution and chunk.substitution.engine) for chunk in heard]
    assert list(dict.fromkeys(parts)) == [(22_050, None), (8_000, "tone")]
    shares = [chunk.spoken or 0 for chunk in heard]
    assert (shares == sorted(shares), shares[-1]) == (True, 1.0)
    seconds = sum(chunk.seconds for chunk in heard if chunk.format.rate == 8_000)
    assert seconds == pytest.approx(len(rest) * SECONDS_PER_CHARACTER, abs=0.3)
    await synthesis.stop()


async def test_checkpoint_loads_and_runs_no_code(tmp_path: Path) -> None:
    model = build_converter(tmp_path / "openvoice-v2", as_pickle=True)
    engine = OpenVoiceEngine(OpenVoiceOptions(model=model, bases=[BASE], device="cpu"))  # type: ignore[list-item]
    await engine.start()
    assert engine.status().ready
    await engine.stop()
    torch.save({"model": {}, "config": _Touch(tmp_path / "executed")}, model / "checkpoint.pth")
    with pytest.raises(EngineFailed):
        await engine.start()
    assert not (tmp_path / "executed").exists()
    (model / "config.json").write_text('{"data": {}}')
    with pytest.raises(EngineFailed, match="no configuration of OpenVoice"):
        await engine.start()
    (model / "checkpoint.pth").unlink()
    with pytest.raises(ModelMissing, match="models pull openvoice-v2"):
        await engine.start()
    assert live_streams(engine) == 0


async def test_base_voices_are_checked(models: Path) -> None:
    engine = OpenVoiceEngine(options(models, base_voices={"ru": "nobody"}))
    with pytest.raises(EngineFailed, match="nobody"):
        await engine.start()
    missing = OpenVoiceEngine(
        options(models, bases=[{"engine": "tone"}, {"engine": "piper", "options": {"models": ["/missing"]}}])
    )
    with pytest.raises(ModelMissing):
        await missing.start()
    chosen = OpenVoiceEngine(options(models, base_voices={"en": "espeak-en-gb"}))
    await chosen.start()
    assert {voice.model_id.partition("+")[2] for voice in chosen.voices() if voice.id == "ivan"} == {"espeak-en-gb"}
    await chosen.stop()
    with pytest.raises(ValidationError, match="take piper or espeak"):
        options(models, bases=[{"engine": "xtts"}])
