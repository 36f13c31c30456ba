"""A ready answer on a phone line: no engine, no resampling, the frames that are stored."""

from pathlib import Path
from typing import Any, cast

import pytest

from deployments.contracts.audio import ALAW_8K, AudioFormat
from deployments.contracts.settings import Settings, SpeechSettings
from tests.telephony.phone_server import (
    SpeakingAssistant,
    api_key,
    receive_utterance,
    run_phone,
    send_message,
    snapshot,
)
from tests.unit.conversation.ready_rig import HOURS, ReadyRig

_FRAME = 160


@pytest.mark.parametrize("more", [False, True], ids=["whole", "streamed"])
async def test_ready_answer_is_sent_as_it_is_stored(tmp_path: Path, more: bool) -> None:
    rig = await ReadyRig(tmp_path).start()
    await rig.change(api_keys=(api_key(),))
    rig.speech.stopped = True
    current = snapshot().model_copy(update=dict(rig.snapshots.current))
    with run_phone(cast(SpeakingAssistant, rig.harness.assistant), current) as phone:
        async with phone.dial() as line:
            text: dict[str, Any] = {"text": HOURS.answer, "more": more}
            await send_message(line, type="speak", id="1", format="alaw", language="ru", **text)
            if more:
                await send_message(line, type="end", id="1")
            heard = await receive_utterance(line)
    assert heard.last["type"] == "finished", heard.last
    stored = b"".join(
        sound.audio
        for name in rig.maker._wanted.keys
        if (sound := rig.store.read(name, ALAW_8K)) and sound.format == AudioFormat(8_000, encoding=ALAW_8K.encoding)
    )
    assert b"".join(heard.frames)[: len(stored)] == stored
    assert len(heard.frames) == -(-len(stored) // _FRAME)
    assert heard.last["first_frame_ms"] < 200


async def test_filler_is_ready_before_a_caller_waits(tmp_path: Path) -> None:
    rig = await ReadyRig(tmp_path).start()
    settings = Settings(default_persona="anna", speech=SpeechSettings(fillers={"ru": "Секунду."}))
    assert await rig.change(api_keys=(api_key(),), settings=settings, faq=()) == ["Секунду."]
    rig.speech.stopped = True
    with run_phone(cast(SpeakingAssistant, rig.harness.assistant), rig.snapshots.current) as phone:
        async with phone.dial() as line:
            await send_message(line, type="speak", more=True, filler_after_ms=100, format="alaw")
            heard = await receive_utterance(line, ends=("mark",))
            await send_message(line, type="end")
            heard.messages += (await receive_utterance(line)).messages
    assert [each["type"] for each in heard.messages] == ["started", "mark", "finished"]
    assert (heard.messages[1]["text"], heard.messages[1]["filler"]) == ("Секунду.", True)
