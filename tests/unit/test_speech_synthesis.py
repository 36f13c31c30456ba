"""A voice replica with several engines: the next one takes over, and voices that are not loaded are not unknown."""

import asyncio
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.audio import PCM16_8K, SpeechChunk, Substitution
from deployments.contracts.errors import EngineFailed, NoSound, ServiceStopped, Unavailable, VoiceNotFound
from deployments.contracts.speech import SpeechRequest
from deployments.engines.conformance import collect
from deployments.engines.engine_source import load_at_once
from deployments.engines.registry import EngineSpec
from deployments.voice import SpeechSynthesis
from tests.waiting import wait_until


def tone(**options: JsonValue) -> EngineSpec:
    return EngineSpec(engine="tone", options=options)


def replica(*specs: EngineSpec, **options: float) -> SpeechSynthesis:
    return SpeechSynthesis("voice", specs, Path("models"), **options)


async def loaded(*specs: EngineSpec, **options: float) -> SpeechSynthesis:
    synthesis = replica(*specs, **options)
    await synthesis.start()
    await wait_until(lambda: all(host.loaded_engine for host in synthesis._hosts), timeout_s=20)
    return synthesis


@pytest.fixture
async def two_engines() -> AsyncIterator[SpeechSynthesis]:
    synthesis = await loaded(
        tone(languages=["en", "ru"], mute=True), tone(languages=["de"]), tone(languages=["en"], rate=8000)
    )
    yield synthesis
    await synthesis.stop()


async def test_next_engine_of_the_language_takes_over(two_engines: SpeechSynthesis) -> None:
    chunks = await collect(two_engines.synthesize(SpeechRequest("hello", "tone-en", "en")))
    assert {chunk.format.rate for chunk in chunks} == {8000}
    assert all(chunk.substitute for chunk in chunks)
    assert not any(chunk.substitute for chunk in await collect(two_engines.synthesize(SpeechRequest("a", "tone-de"))))


async def test_failure_of_the_only_engine_is_raised(two_engines: SpeechSynthesis) -> None:
    with pytest.raises(NoSound):
        await collect(two_engines.synthesize(SpeechRequest("привет", "tone-ru", "ru")))


async def test_voice_of_a_loading_engine_is_unavailable() -> None:
    synthesis = replica(tone())
    await synthesis.start()
    with pytest.raises(Unavailable) as caught:
        await collect(synthesis.synthesize(SpeechRequest("hello", "tone-en")))
    assert caught.value.retry_after_s
    await synthesis.stop()


async def test_voice_of_a_stopped_engine_is_not_unknown(two_engines: SpeechSynthesis) -> None:
    with pytest.raises(VoiceNotFound):
        await collect(two_engines.synthesize(SpeechRequest("hello", "nobody")))
    await two_engines.unload()
    for voice in ("tone-en", "nobody"):
        with pytest.raises(ServiceStopped):
            await collect(two_engines.synthesize(SpeechRequest("hello", voice)))


async def rate(synthesis: SpeechSynthesis, voice: str) -> tuple[int, bool]:
    """The rate tells the engine."""
    chunks = await collect(synthesis.synthesize(SpeechRequest("hello", voice, "en")))
    assert len({(chunk.format.rate, chunk.substitute) for chunk in chunks}) == 1
    return chunks[0].format.rate, chunks[0].substitute


async def test_first_ready_engine_of_the_order_has_the_voice() -> None:
    may_load = asyncio.Event()

    @asynccontextmanager
    async def later(on_wait: Callable[[str], None]) -> AsyncGenerator[None]:
        await may_load.wait()
        yield

    specs = tone(languages=["en"], rate=8000), tone(languages=["en"], rate=16000)
    synthesis = SpeechSynthesis("voice", specs, Path("models"), [later, load_at_once])
    await synthesis.start()
    await wait_until(lambda: bool(synthesis._hosts[1].loaded_engine), timeout_s=20)
    assert await rate(synthesis, "tone-en") == (16000, False)
    may_load.set()
    await wait_until(synthesis.ready, timeout_s=20)
    assert await rate(synthesis, "tone-en") == (8000, False)
    assert [voice.rate for voice in await synthesis.voices()] == [8000]
    await synthesis.stop()


async def test_engine_with_the_same_voice_takes_over_first() -> None:
    specs = (
        tone(languages=["ru", "en"], mute=True),
        tone(languages=["de", "en"], rate=8000),
        tone(languages=["ru"], rate=16000),
    )
    synthesis = await loaded(*specs)
    request = SpeechRequest("привет", "tone-ru", "ru")
    (found,) = {chunk.format.rate for chunk in await collect(synthesis.synthesize(request))}
    assert found == 16000
    assert await rate(synthesis, "tone-en") == (8000, True)
    await synthesis.stop()


async def test_cloned_voice_without_its_engines_has_a_stand_in(tmp_path: Path) -> None:
    folder = tmp_path / "voices" / "gulya"
    folder.mkdir(parents=True)
    with wave.open(str(folder / "sample.wav"), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes(bytes(1_000))
    cloning = EngineSpec(engine="xtts", options={"model": str(tmp_path / "missing")})
    synthesis = SpeechSynthesis("voice", (cloning, tone(languages=["en"], rate=8000)), tmp_path)
    await synthesis.start()
    await wait_until(lambda: bool(synthesis._hosts[1].loaded_engine), timeout_s=20)
    (absent,) = await synthesis.absent_voices()
    assert (absent.id, absent.engine, absent.cloned) == ("gulya", "xtts", True)
    assert [voice.id for voice in await synthesis.voices()] == ["tone-en"]
    assert await rate(synthesis, "gulya") == (8000, True)
    await wait_until(lambda: not synthesis._hosts[0].status().loading, timeout_s=20)
    with pytest.raises(VoiceNotFound):
        await rate(synthesis, "nobody")
    await synthesis.stop()


TEXT = "Good morning, you have reached the clinic, we are open from nine, except on Sunday."


@pytest.mark.parametrize("broken", [{"fail_after_s": 2.0}, {"stall_after_s": 2.0}], ids=["fails", "stalls"])
async def test_next_engine_goes_on_from_the_unspoken_clause(broken: dict[str, JsonValue]) -> None:
    """2 s of 0.06 s a character end in the second clause; it is said again, and the rest follows."""
    synthesis = await loaded(tone(languages=["en"], **broken), tone(languages=["en"], rate=8000), engine_timeout_s=0.05)
    chunks = await collect(synthesis.synthesize(SpeechRequest(TEXT, "tone-en", "en")))
    await synthesis.stop()
    texts = [chunk.text for chunk in chunks if chunk.text]
    assert texts == [TEXT, TEXT[TEXT.index("you have") :]]
    own, other = ([c for c in chunks if c.substitute is substitute] for substitute in (False, True))
    assert sum(chunk.seconds for chunk in own) == pytest.approx(2.0, abs=0.3)
    assert sum(chunk.seconds for chunk in other) == pytest.approx(len(texts[1]) * 0.06, abs=0.1)
    reason = "engine_failed" if "fail_after_s" in broken else "engine_timeout"
    assert {chunk.substitution for chunk in other} == {Substitution("tone", reason)}
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    shares = [chunk.spoken or 0.0 for chunk in chunks]
    assert (shares[-1], min(shares)) == (1.0, shares[0])


async def test_last_engine_speaks_the_rest_once_more() -> None:
    synthesis = await loaded(tone(languages=["en"], fail_after_s=3.0))
    chunks = await collect(synthesis.synthesize(SpeechRequest(TEXT[:60], "tone-en", "en")))
    assert [chunk.text for chunk in chunks if chunk.text] == [TEXT[:60], TEXT[43:60]]
    assert not any(chunk.substitute for chunk in chunks)
    assert [chunk.resumed for chunk in chunks] == sorted(chunk.resumed for chunk in chunks)
    assert (chunks[0].resumed, chunks[-1].resumed) == (False, True)
    with pytest.raises(EngineFailed, match="broke off"):
        await collect(synthesis.synthesize(SpeechRequest(TEXT * 2, "tone-en", "en")))
    await synthesis.stop()


async def test_engine_that_raises_anything_is_replaced() -> None:
    synthesis = await loaded(tone(languages=["en"]), tone(languages=["en"], rate=8000))
    engine = synthesis._hosts[0].loaded_engine
    engine.synthesize = lambda request: one_chunk_then_bug()  # type: ignore[method-assign, union-attr]
    chunks = await collect(synthesis.synthesize(SpeechRequest(TEXT, "tone-en", "en")))
    assert [chunk.text for chunk in chunks if chunk.text] == [TEXT]
    assert {chunk.format.rate for chunk in chunks[1:]} == {8000}
    await synthesis.stop()


async def one_chunk_then_bug() -> AsyncIterator[SpeechChunk]:
    yield SpeechChunk(bytes(PCM16_8K.size(0.2)), PCM16_8K)
    raise ZeroDivisionError
