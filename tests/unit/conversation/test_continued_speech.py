"""Another voice says the rest: after the loss of a replica, and before a phone line runs dry."""

import asyncio
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from deployments.contracts.audio import LATE, SpeechChunk, Substitution
from deployments.contracts.errors import EngineFailed, ReplicaLost, SecretaryError, ServiceStopped
from deployments.contracts.playout import Playout
from deployments.contracts.settings import SpeechSettings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.contracts.voice_consent import VoiceConsent
from deployments.conversation.continued_speech import ContinuedSpeech, SpeechTimeouts
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters
from tests.unit.conversation.harness import RecordingTurnObserver
from tests.unit.conversation.scripted_voices import ESPEAK, LOADING, OTHER, PIPER, XTTS, Deployment

TEXT = "Добрый день, вы позвонили в клинику, мы работаем с девяти, кроме воскресенья."
SECOND_CLAUSE = TEXT.index("вы")
TIMEOUTS = SpeechTimeouts(engine=0.3, first_sound=0.02, replica=0.3, elsewhere=0.05, retry=0.005)


def speech(*engines: Deployment, **settings: object) -> tuple[ContinuedSpeech, RecordingTurnObserver]:
    observer = RecordingTurnObserver()
    catalogue = VoiceCatalogue(engines)  # type: ignore[arg-type]
    return ContinuedSpeech(catalogue, observer, lambda: SpeechSettings(**settings), TIMEOUTS), observer  # type: ignore[arg-type]


async def said(continued: ContinuedSpeech, voice: Voice = XTTS, due_in: float | None = None) -> list[SpeechChunk]:
    listener, chunks = Playout(due_in), list[SpeechChunk]()
    async for chunk in continued.speak(TEXT, VoiceParameters(voice, "ru"), listener):
        listener.add(chunk.seconds)
        chunks.append(chunk)
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    return chunks


def texts(chunks: list[SpeechChunk]) -> list[tuple[str, Substitution | None]]:
    return [(chunk.text, chunk.substitution) for chunk in chunks if chunk.text]


async def test_lost_replica_another_one_of_the_voice_goes_on() -> None:
    engine = Deployment((XTTS, PIPER), [ReplicaLost("died"), LOADING])
    continued, observer = speech(engine)
    chunks = await said(continued)
    assert (
        texts(chunks)
        == [(TEXT, None), (TEXT[SECOND_CLAUSE:], None), (TEXT[SECOND_CLAUSE:], None)][: len(texts(chunks))]
    )
    assert [request.voice_id for request in engine.requests] == ["xtts"] * 3
    assert (chunks[0].resumed, chunks[-1].resumed) == (False, True)
    assert (chunks[-1].spoken, engine.open, observer.live["tts"]) == (1.0, 0, 0)


@pytest.mark.parametrize("chunks", [0, 2])
async def test_lost_replica_another_deployment_goes_on(chunks: int) -> None:
    first, second = Deployment((XTTS, PIPER), [ReplicaLost("died")] * 9, chunks), Deployment((ESPEAK,))
    continued, _ = speech(first, second)
    spoken = texts(await said(continued))
    assert spoken[-1] == (TEXT[SECOND_CLAUSE:] if chunks else TEXT, Substitution("espeak", "engine_failed"))
    assert len(first.requests) <= 3


@dataclass
class LostDeployment(Deployment):
    """A remote one, whose replica has died."""

    lost: bool = True

    def recall_voice(self, voice_id: str) -> Voice | None:
        return None

    def check_voices_loaded(self) -> None: ...


async def test_next_sentence_does_not_wait_for_a_lost_replica() -> None:
    first, second = LostDeployment((XTTS, PIPER)), Deployment((ESPEAK,))
    continued, _ = speech(first, second)
    assert texts(await said(continued)) == [(TEXT, Substitution("espeak", "engine_failed"))]
    assert not first.requests
    first.lost = False
    assert texts(await said(continued)) == [(TEXT, None)]
    first.lost = True
    assert texts(await said(speech(first)[0])) == [(TEXT, None)], "nobody else can speak"


async def test_line_is_rescued_before_a_lost_replica_is_back() -> None:
    first, second = Deployment((XTTS,), [ReplicaLost("died"), "stall"], 0), Deployment((ESPEAK,))
    timeouts = replace(TIMEOUTS, elsewhere=60)
    continued = ContinuedSpeech(VoiceCatalogue((first, second)), RecordingTurnObserver(), timeouts=timeouts)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        assert texts(await said(continued, due_in=0.5)) == [(TEXT, Substitution("espeak", "engine_failed"))]


async def test_text_that_ends_replicas_is_given_up() -> None:
    engine = Deployment((XTTS,), [ReplicaLost("died")] * 9)
    continued, _ = speech(engine)
    with pytest.raises(ReplicaLost):
        await said(continued)
    assert len(engine.requests) <= 3


async def test_silent_replica_ends_with_an_error() -> None:
    engine = Deployment((XTTS,), ["stall"])
    continued, _ = speech(engine)
    with pytest.raises(SecretaryError, match="silent"):
        async with asyncio.timeout(5):
            await said(continued)
    assert engine.open == 0


async def test_stopped_voice_is_not_replaced() -> None:
    first, second = Deployment((XTTS,), [ServiceStopped("stopped")], 0), Deployment((ESPEAK,))
    with pytest.raises(ServiceStopped):
        await said(speech(first, second)[0])
    assert not second.requests


async def test_failed_deployment_is_not_asked_again() -> None:
    first, second = Deployment((XTTS, PIPER), [EngineFailed("broke")]), Deployment((OTHER,), [EngineFailed("broke")])
    with pytest.raises(EngineFailed):
        await said(speech(first, second)[0])
    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_rescue_voice_goes_on_before_the_line_runs_dry() -> None:
    engine = Deployment((XTTS, PIPER, ESPEAK), ["stall"])
    continued, observer = speech(engine)
    chunks = await said(continued, due_in=0.2)
    rescued = [chunk for chunk in chunks if chunk.substitute]
    assert {chunk.substitution for chunk in rescued} == {Substitution("piper", LATE)}
    parts = [text for text, substitution in texts(chunks) if substitution]
    assert "".join(parts) == TEXT[SECOND_CLAUSE:]
    assert len(parts) > 1, "the first sound is made of one clause"
    assert [request.voice_id for request in engine.requests][:2] == ["xtts", "piper"]
    assert 0 < (engine.requests[1].due_in or 0) <= 0.6
    assert dict(observer.underruns) == {"avoided": 1}


async def test_late_rescue_voice_is_rescued() -> None:
    engine = Deployment((XTTS, PIPER, ESPEAK), ["stall", "stall"])
    chunks = await said(speech(engine)[0], due_in=0.2)
    assert chunks[-1].substitution == Substitution("espeak", LATE)
    assert chunks[-1].spoken == 1.0


async def test_named_rescue_voice_comes_first() -> None:
    engine = Deployment((PIPER, XTTS, ESPEAK, OTHER), ["stall"])
    continued, _ = speech(engine, rescue_voices={"ru": "other"})
    assert {chunk.substitution.engine for chunk in await said(continued, due_in=0.2) if chunk.substitution} == {"other"}


async def test_silent_line_waits_for_its_first_sound() -> None:
    engine = Deployment((XTTS, PIPER), ["stall"], 0)
    continued, observer = speech(engine, rescue_start_s=0.05)
    assert texts(await said(continued, due_in=0))[0][1] == Substitution("piper", LATE)
    assert not observer.underruns


@pytest.mark.parametrize(
    ("due_in", "settings"), [(0.2, {"rescue_lead_s": 0}), (None, {}), (math.inf, {})], ids=["off", "no line", "idle"]
)
async def test_no_rescue(due_in: float | None, settings: dict[str, object]) -> None:
    engine = Deployment((XTTS, PIPER), ["stall"])
    task = asyncio.create_task(said(speech(engine, **settings)[0], due_in=due_in))
    await asyncio.wait({task}, timeout=0.5)
    assert [request.voice_id for request in engine.requests] == ["xtts"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert engine.open == 0


def test_substitutes_follow_the_declared_order() -> None:
    english, cloned = replace(OTHER, languages=("en",)), replace(OTHER, id="mine", cloned=True)
    first, second = Deployment((PIPER, XTTS, english)), Deployment((ESPEAK, cloned))
    catalogue = VoiceCatalogue((first, second))  # type: ignore[arg-type]

    def names(voice: Voice, named: str | None = None) -> tuple[list[str], list[str]]:
        later, earlier = catalogue.substitutes(voice, "ru", named)
        return [each.id for each, _ in later], [each.id for each, _ in earlier]

    assert names(PIPER) == (["xtts", "espeak"], [])
    assert names(XTTS) == (["espeak"], ["piper"])
    assert names(ESPEAK) == ([], ["piper", "xtts"])
    assert names(XTTS, "piper") == (["piper", "espeak"], [])
    assert names(replace(XTTS, id="unknown")) == (["piper", "xtts", "espeak"], [])


def test_cloned_voice_goes_on_with_its_next_engine() -> None:
    mine, by_other = (replace(voice, id="mine", cloned=True) for voice in (XTTS, OTHER))
    third = replace(OTHER, id="third", cloned=True)
    given = VoiceConsent(id="cons_1", voices=("mine", "third"), given_at=datetime(2026, 11, 1, tzinfo=UTC))
    snapshot = Snapshot(voice_consents=(given,))
    engines = Deployment((mine, PIPER)), Deployment((third, by_other, ESPEAK))
    catalogue = VoiceCatalogue(engines, lambda: snapshot)  # type: ignore[arg-type]
    later, earlier = catalogue.substitutes(mine, "ru")
    assert ([voice.engine for voice, _ in later], earlier) == (["other", "piper", "espeak"], [])
    assert [(voice.id, voice.engine) for voice in catalogue.all()] == [
        ("mine", "xtts"),
        ("piper", "piper"),
        ("third", "other"),
        ("espeak", "espeak"),
    ]
