"""A voice replica with several engines: the next one takes over, and voices that are not loaded are not unknown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.errors import NoSound, ServiceStopped, Unavailable, VoiceNotFound
from deployments.contracts.speech import SpeechRequest
from deployments.engines.conformance import collect
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
