"""A phone line whose voice falls silent in the middle of a sentence."""

from tests.telephony.phone_server import receive_utterance, run_phone, send_message
from tests.unit.conversation.harness import AssistantHarness
from tests.unit.conversation.scripted_voices import PIPER, XTTS, Deployment

TEXT = "Добрый день, вы позвонили в клинику, мы работаем с девяти. Ждём вас завтра."


async def test_line_does_not_run_dry_when_its_voice_falls_silent() -> None:
    """The first sentence is cut after its first clause, so the voice stalls in the second piece."""
    voice = Deployment((XTTS, PIPER), [None, "stall"], chunks=3)
    harness = await AssistantHarness(speech=voice).start()
    with run_phone(harness.assistant) as door:  # type: ignore[arg-type]
        async with door.dial() as line:
            await send_message(line, type="speak", text=TEXT, voice="xtts")
            received = await receive_utterance(line)
    changes = [message for message in received.messages if message["type"] == "voice"]
    assert [(c["substitute"], c.get("engine"), c.get("reason")) for c in changes] == [
        (True, "piper", "late"),
        (False, None, None),
    ]
    last = received.last
    assert (last["type"], last["substitutions"]) == ("finished", 1)
    assert last["longest_gap_ms"] < 300, "a busy machine may delay single frames"
    texts = [message["text"] for message in received.messages if message["type"] == "mark"]
    assert texts[0] == "Добрый день, вы позвонили в клинику,"
    assert "".join(texts[2:-1]) == texts[1]
    assert texts[-1] == "Ждём вас завтра."
    assert 0 < changes[0]["frame"] < changes[1]["frame"] < last["frames"]
    assert harness.observer.underruns == {"avoided": 1}
    assert (voice.open, harness.observer.live["tts"]) == (0, 0)


async def test_line_that_hears_silence_is_counted() -> None:
    voice = Deployment((XTTS,), chunk_delay_s=0.3)
    harness = await AssistantHarness(speech=voice).start()
    with run_phone(harness.assistant) as door:  # type: ignore[arg-type]
        async with door.dial() as line:
            await send_message(line, type="speak", text="Здравствуйте.", voice="xtts")
            received = await receive_utterance(line)
    assert received.last["underruns"] == door.observer.underruns["suffered"] > 0
