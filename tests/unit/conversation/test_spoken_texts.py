"""A text that is spoken without a turn: numbered, remembered, refused, or a short silence."""

import pytest

from deployments.contracts.errors import (
    InvalidRequest,
    LanguageNotSupported,
    TextTooLong,
)
from deployments.contracts.speech import SpeechRequest
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.harness import AssistantHarness, collect


async def test_speaking_a_text_numbers_its_blocks_and_remembers_phrases() -> None:
    stage = await AssistantHarness().start()
    request = SpeechRequest("A first sentence is here. And a second one is there.")
    first = await collect(stage.assistant.speak(request))
    again = await collect(stage.assistant.speak(request))
    assert [chunk.sequence for chunk in first] == list(range(len(first)))
    assert b"".join(c.audio for c in first) == b"".join(c.audio for c in again)
    assert stage.observer.hits == [False, False, True, True]


@pytest.mark.parametrize("text", ["👍", "---", "...", "?!"])
async def test_a_text_with_nothing_to_say_is_a_short_silence_that_is_not_remembered(text: str) -> None:
    stage = await AssistantHarness().start()
    chunks = await collect(stage.assistant.speak(SpeechRequest(text, "tone-ru")))
    assert 0 < sum(chunk.seconds for chunk in chunks) <= 0.5
    assert not any(b"".join(chunk.audio for chunk in chunks))
    assert stage.observer.hits == []


class MemoryBlobCache:
    """SharedPhrases in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def put(self, name: str, content: bytes) -> None:
        self.kept[name] = content


async def test_a_phrase_that_another_door_has_spoken_is_not_spoken_anew() -> None:
    cupboard = MemoryBlobCache()
    request = SpeechRequest("A first sentence is here. And a second one is there.")
    one, other = await AssistantHarness(phrases=cupboard).start(), await AssistantHarness(phrases=cupboard).start()
    spoken = await collect(one.assistant.speak(request))
    assert await collect(other.assistant.speak(request)) == spoken
    assert (one.observer.hits, other.observer.hits) == ([False, False], [True, True])
    assert other.observer.seconds == 0
    cupboard.kept = dict.fromkeys(cupboard.kept, b"rubbish")
    third = await AssistantHarness(phrases=cupboard).start()
    assert len(await collect(third.assistant.speak(request))) == len(spoken)
    assert third.observer.hits == [False, False]


async def test_speech_is_refused_when_empty_too_long_or_in_a_language_without_a_voice() -> None:
    stage = await AssistantHarness(speech=ToneEngine(ToneOptions(languages=("en",)))).start()
    with pytest.raises(InvalidRequest):
        stage.assistant.speak(SpeechRequest(" "))
    with pytest.raises(TextTooLong):
        stage.assistant.speak(SpeechRequest("a" * 5000))
    with pytest.raises(LanguageNotSupported):
        stage.assistant.speak(SpeechRequest("Добрый день"))
