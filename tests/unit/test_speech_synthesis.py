"""A voice replica with several engines: the next one takes over, and voices that are not loaded are not unknown."""

import asyncio
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.errors import NoSound, ServiceStopped, Unavailable, VoiceNotFound
from deployments.contracts.speech import SpeechRequest
from deployments.engines.conformance import collect
from deployments.engines.engine_source import load_at_once
from deployments.engines.registry import EngineSpec
from deployments.voice import SpeechSynthesis
from tests.waiting import wait_until


def tone(**options: JsonValue) -> EngineSpec:
    return EngineSpec(engine="tone", options=options)


def replica(*specs: EngineSpec) -> SpeechSynthesis:
    return SpeechSynthesis("voice", specs, Path("models"))


async def loaded(*specs: EngineSpec) -> SpeechSynthesis:
    synthesis = replica(*specs)
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
