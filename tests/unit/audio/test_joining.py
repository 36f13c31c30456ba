"""Parts of speech are joined without clicks and long silence, whatever the sizes of blocks."""

import numpy as np
import pytest

from deployments.audio.joining import SoundJoiner

RATE = 22_050


def sine(
    seconds: float, frequency: float, before_s: float = 0.0, after_s: float = 0.0, phase: float = 1.0
) -> np.ndarray:
    tone = 12_000 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE + phase)
    return np.concatenate((np.zeros(int(before_s * RATE)), tone, np.zeros(int(after_s * RATE)))).astype("<i2")


def join(parts: list[np.ndarray], block: int) -> np.ndarray:
    joiner, sound = SoundJoiner(RATE), b""
    for number, part in enumerate(parts):
        sound += joiner.end_part() if number else b""
        for start in range(0, len(part), block):
            sound += joiner.feed(part[start : start + block].tobytes())
    return np.frombuffer(sound + joiner.finish(), "<i2").astype(int)


@pytest.mark.parametrize("block", [64, 1_000, 1 << 20])
@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([sine(0.3, 300), sine(0.3, 250, phase=2.5)], 0.59),
        ([sine(0.3, 300, after_s=0.5), sine(0.3, 250, before_s=0.4)], 0.65),
        ([sine(0.3, 300, before_s=0.2), sine(0.2, 200), sine(0.3, 250, after_s=0.3)], 1.28),
        ([sine(0.3, 300), sine(0.004, 200), sine(0.3, 250)], 0.594),
        ([sine(0.3, 300), np.zeros(RATE // 2, "<i2"), sine(0.3, 250)], 0.63),
    ],
    ids=["no silence", "long silence", "three", "short part", "silent part"],
)
def test_joined_parts_have_no_click(parts: list[np.ndarray], seconds: float, block: int) -> None:
    sound = join(parts, block)
    inner = max(np.abs(np.diff(part.astype(int)[1:-1])).max() for part in parts if part.any())
    edges = 12_000  # a tone that starts or ends at once steps by its own amplitude, at the outer ends only
    steps = np.abs(np.diff(sound))
    start, end = (np.flatnonzero(np.abs(sound) > 330)[i] for i in (0, -1))
    assert steps[start + 1 : end - 1].max() <= inner * 1.25 + 60
    assert steps.max() <= edges
    assert len(sound) / RATE == pytest.approx(seconds, abs=0.02)


def test_one_part_stays_as_it_is() -> None:
    part = sine(0.3, 300, 0.1, 0.1)
    assert np.array_equal(join([part], 700), part.astype(int))
