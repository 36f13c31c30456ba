"""Speech requests without a turn: chunk numbers, phrase caches and errors."""

import math
from collections.abc import AsyncIterator

import pytest

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import (
    InvalidRequest,
    LanguageNotSupported,
    ReplicaLost,
    TextTooLong,
)
from deployments.contracts.settings import Settings, SpeechSettings
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.voice_settings import Preset, PresetParams, VoiceSettings
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.fakes import MemoryBlobCache
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, StaticSnapshotSource, collect, user_turn
from tests.unit.conversation.scripted_voices import XTTS, Deployment


async def test_speech_numbers_chunks_and_caches_phrases() -> None:
    harness = await AssistantHarness().start()
    request = SpeechRequest("A first sentence is here. And a second one is there.")
    first = await collect(harness.assistant.speak(request))
    again = await collect(harness.assistant.speak(request))
    assert [chunk.sequence for chunk in first] == list(range(len(first)))
    assert b"".join(c.audio for c in first) == b"".join(c.audio for c in again)
    assert harness.observer.hits == [False, False, True, True]


@pytest.mark.parametrize("text", ["👍", "---", "...", "?!"])
async def test_speech_of_unspeakable_text_is_uncached_silence(text: str) -> None:
    harness = await AssistantHarness().start()
    chunks = await collect(harness.assistant.speak(SpeechRequest(text, "tone-ru")))
    assert 0 < sum(chunk.seconds for chunk in chunks) <= 0.5
    assert not any(b"".join(chunk.audio for chunk in chunks))
    assert harness.observer.hits == []


async def test_speech_uses_shared_cache_if_valid() -> None:
    shared_cache = MemoryBlobCache()
    request = SpeechRequest("A first sentence is here. And a second one is there.")
    one, other = (
        await AssistantHarness(phrases=shared_cache).start(),
        await AssistantHarness(phrases=shared_cache).start(),
    )
    spoken = await collect(one.assistant.speak(request))
    assert await collect(other.assistant.speak(request)) == spoken
    assert (one.observer.hits, other.observer.hits) == ([False, False], [True, True])
    assert other.observer.seconds == 0
    shared_cache.blobs = dict.fromkeys(shared_cache.blobs, b"rubbish")
    third = await AssistantHarness(phrases=shared_cache).start()
    assert len(await collect(third.assistant.speak(request))) == len(spoken)
    assert third.observer.hits == [False, False]


async def test_speech_rejects_invalid_requests() -> None:
    harness = await AssistantHarness(speech=ToneEngine(ToneOptions(languages=("en",)))).start()
    with pytest.raises(InvalidRequest):
        harness.assistant.speak(SpeechRequest(" "))
    with pytest.raises(TextTooLong):
        harness.assistant.speak(SpeechRequest("a" * 5000))
    with pytest.raises(LanguageNotSupported):
        harness.assistant.speak(SpeechRequest("Добрый день"))


class RecordingSpeech(ToneEngine):
    """Keeps the requests of ``ToneEngine``."""

    def __init__(self) -> None:
        super().__init__(ToneOptions())
        self.requests: list[SpeechRequest] = []

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        self.requests.append(request)
        return super().synthesize(request)


CALM = Preset(name="calm", params=PresetParams(temperature=0.5, top_k=40, gpt_cond_len=18))
WARM = Preset(name="warm", params=PresetParams(temperature=0.85, top_k=60, gpt_cond_len=15))


@pytest.mark.parametrize("voice_preset", ["", "calm"], ids=["default preset", "preset of the voice"])
async def test_preset_reaches_the_engine_and_the_cache(voice_preset: str) -> None:
    speech = RecordingSpeech()
    snapshot = SNAPSHOT.model_copy(
        update={
            "presets": (CALM, WARM),
            "voices": (VoiceSettings(id="tone-en", preset=voice_preset),),
            "settings": Settings(speech=SpeechSettings(default_preset="calm")),
        }
    )
    harness = await AssistantHarness(speech=speech, snapshots=StaticSnapshotSource(snapshot)).start()
    for preset in (None, "warm", "warm", None):
        await collect(harness.assistant.speak(SpeechRequest("Good morning.", "tone-en", preset=preset)))
    turn = user_turn("Hello there", speak=True, voice_id="tone-en", preset="warm")
    await harness.events(turn)
    spoken = [request.parameters for request in speech.requests]
    assert spoken == [CALM.params, WARM.params, WARM.params]
    assert harness.observer.hits[:4] == [False, False, True, True]


@pytest.mark.parametrize(("due_in", "expected"), [(None, [0, 1]), (2.0, [2, 3]), (math.inf, [math.inf, math.inf])])
async def test_engine_learns_when_the_listener_hears_silence(due_in: float | None, expected: list[float]) -> None:
    """The sound of the first sentence moves the deadline of the second one."""
    speech = RecordingSpeech()
    harness = await AssistantHarness(speech=speech).start()
    text = "A first sentence is here. And a second one is there."
    spoken = await collect(harness.assistant.speak(SpeechRequest(text, "tone-en", due_in=due_in)))
    assert sum(chunk.seconds for chunk in spoken) > 2
    first, second = (request.due_in for request in speech.requests)
    assert first == pytest.approx(expected[0], abs=0.2)
    assert second == pytest.approx(expected[1] + 0.5, abs=0.6)


async def test_sentence_that_broke_off_is_not_cached() -> None:
    """Its audio says a clause twice."""
    voice = Deployment((XTTS,), [ReplicaLost("died")])
    harness = await AssistantHarness(speech=voice).start()
    first, again = [await collect(harness.assistant.speak(SpeechRequest("Раз, два.", "xtts"))) for _ in range(2)]
    assert (len(first) > len(again), harness.observer.hits) == (True, [False, False])
