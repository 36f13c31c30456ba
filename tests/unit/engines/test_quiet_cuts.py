"""Long sounds are cut where they are quietest."""

import numpy as np
import pytest

from deployments.engines.speech.quiet_cuts import cut_at_pauses


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 2.0, 2.01, 7.3])
def test_blocks_are_bounded_and_lose_nothing(seconds: float) -> None:
    samples = np.arange(int(seconds * 1_000), dtype=np.float32)
    blocks = list(cut_at_pauses(samples, 1_000, 1.0, 2.0))
    assert np.array_equal(np.concatenate([*blocks, samples[:0]]), samples)
    assert all(0 < block.size <= 2_000 for block in blocks)
    assert not blocks or blocks[0].size <= 1_000


def test_cut_lies_in_a_pause() -> None:
    samples = np.ones(3_000, np.float32)
    samples[1_500:1_540] = 0
    first, second = cut_at_pauses(samples, 1_000, 2.0, 2.0)
    assert (1_500 < first.size < 1_540, first.size + second.size) == (True, 3_000)
