"""Speech requests without a turn: chunk numbers, phrase caches and errors."""

import pytest

from deployments.contracts.errors import (
    InvalidRequest,
    LanguageNotSupported,
    TextTooLong,
)
from deployments.contracts.speech import SpeechRequest
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.fakes import MemoryBlobCache
from tests.unit.conversation.harness import AssistantHarness, collect


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
