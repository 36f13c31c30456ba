"""Answers that are spoken when they are saved: made, given without an engine, made again, bounded, repaired."""

import math
from pathlib import Path

import pytest

from deployments.contracts.audio import ALAW_8K, MULAW_8K, AudioFormat
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import SpeechReady
from deployments.contracts.instances import BotSpec
from deployments.contracts.persona import Persona
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.voice_consent import VoiceConsent
from deployments.contracts.voice_settings import Preset, PresetParams, Pronunciation, VoiceSettings
from tests.unit.conversation.fakes import MemoryBlobCache
from tests.unit.conversation.harness import AssistantHarness, collect, user_turn
from tests.unit.conversation.ready_rig import DATE, HOURS, TIME, ReadyRig, without_fillers

SPOKEN = ["Мы работаем с девяти до шести.", "Приходите к нам!"]


@pytest.fixture
async def rig(tmp_path: Path) -> ReadyRig:
    rig = await ReadyRig(tmp_path / "ready").start()
    await rig.maker.work()
    return rig


async def test_answer_is_spoken_when_saved_as_idle_work(rig: ReadyRig) -> None:
    assert rig.speech.texts == SPOKEN
    assert {request.due_in for request in rig.speech.requests} == {math.inf}
    assert rig.maker.counts() == {"ready": 2, "waiting": 0, "failed": 0, "no_space": 0}
    [answer] = rig.maker.answers()
    assert (answer.answer.id, answer.state, answer.ready, answer.size) == ("7", "ready", 2, rig.maker.size)
    await rig.maker.work()
    rig.new_maker()
    await rig.maker.work()
    assert rig.speech.texts == SPOKEN


@pytest.mark.parametrize("line", [ALAW_8K, MULAW_8K, None], ids=str)
async def test_ready_answer_speaks_while_the_engine_is_stopped(rig: ReadyRig, line: AudioFormat | None) -> None:
    live = await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer, line_format=line)))
    rig.speech.stopped = True
    ready = await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer, line_format=line)))
    assert ready == live
    assert {chunk.format for chunk in ready} == {line or AudioFormat(22_050)}
    assert [chunk.text for chunk in ready if chunk.text] == SPOKEN
    events = await rig.harness.events(user_turn("Часы работы", speak=True))
    spoken = [event.chunk for event in events if isinstance(event, SpeechReady)]
    assert sum(chunk.seconds for chunk in spoken) == pytest.approx(sum(chunk.seconds for chunk in ready), abs=0.01)
    assert all(rig.lookups)
    with pytest.raises(SecretaryError):
        await collect(rig.harness.assistant.speak(SpeechRequest("Этого никто не готовил.")))


CALM = Preset(name="calm", params=PresetParams(temperature=0.5))
DEAR = Persona(id="anna", name="Анна", prompts={"ru": "Ты секретарь."}, voices={"ru": "tone-en"})
OPEN = Pronunciation(word="работаем", spoken="трудимся")
CHANGES: dict[str, tuple[dict[str, object], list[str], int]] = {
    "text": (
        {"faq": (HOURS.model_copy(update={"answer": "Мы работаем до шести. Приходите к нам!"}),)},
        ["Мы работаем до шести."],
        1,
    ),
    "voice": ({"personas": (DEAR,)}, SPOKEN, 0),
    "default voice": ({"settings": without_fillers(default_voices={"ru": "tone-en"})}, SPOKEN, 0),
    "speed": ({"settings": without_fillers(speed=1.5)}, SPOKEN, 0),
    "preset": ({"presets": (CALM,), "voices": (VoiceSettings(id="tone-ru", preset="calm"),)}, SPOKEN, 0),
    "pronunciation": (
        {"voices": (VoiceSettings(id="tone-ru", pronunciations=(OPEN,)),)},
        ["Мы трудимся с девяти до шести."],
        1,
    ),
    "disabled voice": ({"voices": (VoiceSettings(id="tone-ru", enabled=False),)}, [], 0),
    "voice of a bot": ({"bots": (BotSpec(id="b", name="b", voice_id="tone-en"),)}, SPOKEN, 2),
}
"""What changes, what is spoken because of it, and how many of the two phrases stay."""


@pytest.mark.parametrize(("change", "spoken", "kept"), CHANGES.values(), ids=CHANGES)
async def test_answer_is_made_again_after_a_change(
    rig: ReadyRig, change: dict[str, object], spoken: list[str], kept: int
) -> None:
    before = set(rig.store.phrases())
    assert await rig.change(**change) == spoken
    assert len(set(rig.store.phrases()) & before) == kept
    assert rig.maker.counts()["waiting"] == 0
    assert await rig.change(faq=()) == []
    assert rig.store.phrases() == {}


async def test_revoked_cloned_voice_has_no_ready_answers(rig: ReadyRig) -> None:
    given = VoiceConsent(id="c", voices=("tone-ru", "tone-en"), given_at=rig.now)
    rig.speech.cloned = True
    assert await rig.change(voice_consents=(given,)) == []
    rig.speech.stopped = True
    assert await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer)))
    assert await rig.change(voice_consents=(given.model_copy(update={"revoked_at": rig.now}),)) == []
    with pytest.raises(SecretaryError):
        await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer, "tone-ru")))
    assert rig.store.phrases() == {}


async def test_answer_is_made_again_by_another_model(rig: ReadyRig) -> None:
    rig.speech.revision = "2"
    assert await rig.change() == SPOKEN
    assert len(rig.store.phrases()) == 2


async def test_stopped_engine_keeps_its_phrases(rig: ReadyRig) -> None:
    rig.speech.stopped = True
    assert await rig.change(faq=(HOURS, DATE)) == []
    assert rig.maker.counts() == {"ready": 2, "waiting": 2, "failed": 0, "no_space": 0}
    rig.speech.stopped = False
    assert len(await rig.change()) == 2


@pytest.mark.parametrize("damage", [b"", b"RDY1", b"rubbish" * 99, None], ids=["empty", "cut", "other", "one bit"])
async def test_damaged_file_is_ignored_and_made_again(rig: ReadyRig, damage: bytes | None) -> None:
    for name in rig.store.phrases():
        path = rig.directory / f"{name}.phrase"
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:] if damage is None else damage)
    (rig.directory / "left.phrase.1.unfinished").write_bytes(b"half")
    chunks = await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer, line_format=MULAW_8K)))
    assert sum(chunk.seconds for chunk in chunks) > 1
    rig.new_maker()
    await rig.maker.work()
    assert rig.maker.counts()["ready"] == 2
    assert all(rig.store.is_whole(name) for name in rig.store.phrases())
    assert not list(rig.directory.glob("*.unfinished"))


async def test_disk_space_is_bounded_by_last_use(tmp_path: Path) -> None:
    entries = [
        HOURS.model_copy(update={"id": number, "answer": (name * 5 + " ") * 22}) for number, name in enumerate("абв")
    ]
    rig = await ReadyRig(tmp_path).start()
    rig.snapshots.current = rig.snapshots.current.model_copy(
        update={"faq": tuple(entries[:2]), "settings": without_fillers(ready_answers_mb=1)}
    )
    await rig.maker.work()
    assert rig.maker.counts() == {"ready": 4, "waiting": 0, "failed": 0, "no_space": 0}
    rig.snapshots.current = rig.snapshots.current.model_copy(update={"revision": 99, "faq": tuple(entries)})
    await rig.maker.work()
    assert rig.maker.size <= 1 << 20
    states = [answer.state for answer in rig.maker.answers()]
    assert states[2] == "ready"
    assert states.count("ready") < 3
    spoken = len(rig.speech.requests)
    rig.now = rig.now.replace(hour=12)
    await rig.maker.work()
    assert len(rig.speech.requests) == spoken, "an evicted answer is not made again and again"
    assert await rig.change(settings=without_fillers(ready_answers_mb=0)) == []
    assert rig.store.phrases() == {}


@pytest.mark.parametrize("fault", ["full", "unwritable", "mute", "substitute"])
async def test_fault_while_making_leaves_nothing_and_is_retried(tmp_path: Path, fault: str) -> None:
    rig = await ReadyRig(tmp_path / "ready").start()
    rig.free = 1_000 if fault == "full" else rig.free
    rig.speech.substitute = fault == "substitute"
    rig.speech._options = rig.speech._options.model_copy(update={"mute": fault == "mute"})
    if fault == "unwritable":
        (tmp_path / "ready").write_bytes(b"")
    await rig.maker.work()
    state = "no_space" if fault == "full" else "failed"
    assert rig.maker.counts()[state] == 2  # type: ignore[index]
    assert rig.store.phrases() == {}
    rig.free, rig.speech.substitute = 1 << 40, False
    rig.speech._options = rig.speech._options.model_copy(update={"mute": False})
    (tmp_path / "ready").unlink() if fault == "unwritable" else None
    rig.now = rig.now.replace(hour=11)
    await rig.maker.work()
    assert rig.maker.counts()["ready"] == 2


async def test_phrases_are_shared_with_other_machines(tmp_path: Path) -> None:
    shared = MemoryBlobCache()
    rig = await ReadyRig(tmp_path / "one", shared=shared).start()
    await rig.maker.work()
    elsewhere = await AssistantHarness(speech=rig.speech, phrases=shared, snapshots=rig.snapshots).start()
    heard = await collect(elsewhere.assistant.speak(SpeechRequest(HOURS.answer)))
    assert heard == await collect(rig.harness.assistant.speak(SpeechRequest(HOURS.answer)))
    assert rig.speech.texts == SPOKEN
    shared.blobs.clear()
    await rig.change(cache_epoch=2)
    assert len(shared.blobs) == 2


async def test_answer_is_made_again_on_request(rig: ReadyRig) -> None:
    assert await rig.maker.remake("faq", "7") == 2
    await rig.maker.work()
    assert rig.speech.texts == SPOKEN * 2
    assert await rig.maker.clear() == 2
    await rig.maker.work()
    assert rig.speech.texts == SPOKEN * 3
    with pytest.raises(SecretaryError):
        await rig.maker.remake("faq", "99")


async def test_time_is_joined_to_a_ready_sentence(tmp_path: Path) -> None:
    rig = await ReadyRig(tmp_path).start()
    made = await rig.change(faq=(TIME, DATE))
    assert made == ["Сейчас", "Сегодня понедельник.", "Сегодня вторник."]
    chunks = await collect(rig.harness.assistant.speak(SpeechRequest("Сейчас 14:05.")))
    assert rig.speech.texts[3:] == ["четырнадцать ноль пять."]
    assert [chunk.text for chunk in chunks] == ["Сейчас 14:05.", *[""] * (len(chunks) - 1)]
    rig.speech.stopped = True
    assert await collect(rig.harness.assistant.speak(SpeechRequest("Сегодня понедельник.")))
