"""A cloned voice speaks only while its person consents."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.errors import SecretaryError, VoiceConsentMissing
from deployments.contracts.events import SpeechReady, TextDelta, TurnFailed
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.voice_consent import VoiceConsent
from deployments.contracts.voice_settings import VoiceSettings
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.fakes import MemoryBlobCache
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, StaticSnapshotSource, collect, user_turn

GIVEN = VoiceConsent(id="cons_1", voices=("tone-ru",), given_at=datetime(2026, 11, 1, tzinfo=UTC))
REVOKED = GIVEN.model_copy(update={"revoked_at": datetime(2026, 11, 29, tzinfo=UTC)})
TEXT = "Добрый день, я ваш секретарь. Это уже второе предложение ответа. И вот третье предложение."


class ClonedTone(ToneEngine):
    def voices(self) -> tuple[Voice, ...]:
        return tuple(replace(voice, cloned=voice.id == "tone-ru") for voice in super().voices())


def snapshot(*consents: VoiceConsent, **changes: object) -> Snapshot:
    return SNAPSHOT.model_copy(update={"voice_consents": consents, **changes})


async def harness(*consents: VoiceConsent, phrases: MemoryBlobCache | None = None) -> AssistantHarness:
    source = StaticSnapshotSource(snapshot(*consents))
    return await AssistantHarness(speech=ClonedTone(ToneOptions()), snapshots=source, phrases=phrases).start()


@pytest.mark.parametrize(
    ("consents", "reason"), [((), "nobody has consented"), ((REVOKED,), "was revoked on 2026-11-29")]
)
async def test_cloned_voice_without_consent_is_not_used(consents: tuple[VoiceConsent, ...], reason: str) -> None:
    assistant = (await harness(*consents)).assistant
    assert [voice.id for voice in assistant.voices()] == ["tone-en"]
    named: tuple[Callable[[], object], ...] = (
        lambda: assistant.find_voice("tone-ru"),
        lambda: assistant.speak(SpeechRequest(TEXT, "tone-ru")),
        lambda: assistant.reply(user_turn("привет", speak=True, voice_id="tone-ru")),
    )
    for call in named:
        with pytest.raises(VoiceConsentMissing, match=reason) as raised:
            call()
        assert "/admin/voices/" in raised.value.remedy
    with pytest.raises(SecretaryError, match="no voice speaks 'ru'"):
        assistant.speak(SpeechRequest(TEXT))


async def test_cloned_voice_with_consent_speaks() -> None:
    opened = await harness(GIVEN)
    assert [voice.id for voice in opened.assistant.voices()] == ["tone-ru", "tone-en"]
    assert await collect(opened.assistant.speak(SpeechRequest(TEXT, "tone-ru")))
    assert await collect(opened.assistant.speak(SpeechRequest(TEXT)))


@pytest.mark.parametrize("cached", [False, True])
async def test_revocation_ends_speech_at_the_next_sentence(cached: bool) -> None:
    opened = await harness(GIVEN)
    request = SpeechRequest(TEXT, "tone-ru")
    if cached:
        await collect(opened.assistant.speak(request))
    opened.snapshots.current = snapshot(GIVEN)
    heard = await _texts_until_refused(opened, opened.assistant.speak(request))
    assert heard == [TEXT[: TEXT.index(".") + 1]]


async def test_revocation_ends_a_spoken_answer_at_the_next_sentence() -> None:
    opened = await harness(GIVEN)
    heard, failed = [], None
    async for event in opened.assistant.reply(user_turn(TEXT, speak=True, voice_id="tone-ru")):
        if isinstance(event, SpeechReady):
            opened.snapshots.current = snapshot(REVOKED)
            heard += [event.chunk.text] if event.chunk.text else []
        if isinstance(event, TurnFailed):
            failed = event.code
        assert not isinstance(event, TextDelta) or failed is None
    assert (len(heard), failed) == (1, "voice_consent_missing")


async def _texts_until_refused(opened: AssistantHarness, speech: AsyncIterator[SpeechChunk]) -> list[str]:
    """Revokes the consent at the first chunk. Returns the texts of the pieces that are heard all the same."""
    heard: list[str] = []
    try:
        async for chunk in speech:
            heard += [chunk.text] if chunk.text else []
            opened.snapshots.current = snapshot(REVOKED)
    except VoiceConsentMissing:
        return heard
    pytest.fail("the voice spoke to the end")


@pytest.mark.parametrize("after", [(REVOKED,), ()], ids=["revoked", "deleted"])
async def test_phrases_of_revoked_voice_are_forgotten(after: tuple[VoiceConsent, ...]) -> None:
    shared = MemoryBlobCache()
    opened = await harness(GIVEN, phrases=shared)
    await opened.assistant.follow(opened.snapshots.current)
    for voice, text in (("tone-ru", "Добрый день."), ("tone-en", "Good day.")):
        await collect(opened.assistant.speak(SpeechRequest(text, voice)))
    assert len(shared.blobs) == 2
    opened.snapshots.current = snapshot(*after)
    await opened.assistant.follow(opened.snapshots.current)
    assert len(shared.blobs) == 1
    opened.snapshots.current = snapshot(GIVEN)
    for voice, text in (("tone-ru", "Добрый день."), ("tone-en", "Good day.")):
        await collect(opened.assistant.speak(SpeechRequest(text, voice)))
    assert opened.observer.hits == [False, False, False, True]


async def test_phrase_that_was_being_spoken_is_not_kept() -> None:
    opened = await harness(GIVEN)
    request = SpeechRequest("Добрый день, это долгое предложение.", "tone-ru")
    await _texts_until_refused(opened, opened.assistant.speak(request))
    opened.snapshots.current = snapshot(GIVEN)
    await collect(opened.assistant.speak(request))
    assert opened.observer.hits == [False, False]


async def test_disabled_cloned_voice_is_not_used() -> None:
    opened = await harness(GIVEN)
    opened.snapshots.current = snapshot(GIVEN, voices=(VoiceSettings(id="tone-ru", enabled=False),))
    with pytest.raises(SecretaryError, match="is disabled"):
        opened.assistant.find_voice("tone-ru")
