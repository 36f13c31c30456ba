"""FrameCutter: blocks of any size and rate become line frames with marks."""

import pytest

from deployments.contracts.audio import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_22K, PCM16_24K, AudioFormat, SpeechChunk
from deployments.telephony.frames import FrameCutter, FrameEvent, LineFrame, TextMark
from tests.telephony.phone_server import tone


def cut(target: AudioFormat, chunks: list[SpeechChunk]) -> list[FrameEvent]:
    cutter = FrameCutter(target)
    return [event for chunk in chunks for event in cutter.feed(chunk)] + cutter.finish()


@pytest.mark.parametrize("target", [ALAW_8K, MULAW_8K, PCM16_8K])
@pytest.mark.parametrize("source", [PCM16_22K, PCM16_24K, PCM16_8K])
def test_cutter_keeps_length_in_whole_frames(source: AudioFormat, target: AudioFormat) -> None:
    frames = [e.audio for e in cut(target, [SpeechChunk(tone(0.13, source), source)] * 10) if isinstance(e, LineFrame)]
    assert {len(frame) for frame in frames} == {target.size(0.02)}
    assert len(frames) == pytest.approx(1.3 / 0.02, abs=1)


def test_cutter_marks_precede_their_frame() -> None:
    blocks = [
        SpeechChunk(tone(0.26), PCM16_22K, "раз"),
        SpeechChunk(tone(0.26), PCM16_22K),
        SpeechChunk(tone(0.3), PCM16_22K, "два"),
    ]
    events = cut(PCM16_8K, blocks)
    assert [i for i, e in enumerate(events) if isinstance(e, TextMark)] == [0, 27]


def test_cutter_accepts_another_sample_rate() -> None:
    events = cut(
        ALAW_8K, [SpeechChunk(tone(0.2, PCM16_22K), PCM16_22K, "a"), SpeechChunk(tone(0.2, PCM16_24K), PCM16_24K, "b")]
    )
    assert [i for i, e in enumerate(events) if isinstance(e, TextMark)] == [0, 11]
    assert sum(isinstance(e, LineFrame) for e in events) == 20


def test_cutter_pads_last_frame_with_silence() -> None:
    frames = [e.audio for e in cut(ALAW_8K, [SpeechChunk(tone(0.03, PCM16_8K), PCM16_8K)]) if isinstance(e, LineFrame)]
    assert frames[-1][80:] == b"\xd5" * 80


def test_cutter_without_audio_has_no_frames() -> None:
    assert cut(PCM16_8K, []) == []
