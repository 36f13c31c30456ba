"""Pacer: absolute deadlines without drift and bursts."""

import random
from collections import Counter

import pytest

from deployments.telephony.pacer import Pacer
from tests.telephony.phone_server import VirtualClock

FRAME_S = 0.02


async def departures(
    pacer: Pacer, clock: VirtualClock, count: int, stalls: dict[int, float] | None = None
) -> list[float]:
    """When each of ``count`` frames left; before frame ``n`` the world stands still for ``stalls[n]`` seconds."""
    times = []
    for index in range(count):
        clock.stall((stalls or {}).get(index, 0.0))
        await pacer.wait_until_due()
        times.append(clock.now())
    return times


async def test_pacer_sends_lead_then_keeps_deadlines() -> None:
    clock = VirtualClock()
    times = await departures(Pacer(clock, lead_frames=3), clock, 100)
    assert times[:4] == [1000.0] * 4
    assert times[4:] == pytest.approx([1000 + (i - 3) * FRAME_S for i in range(4, 100)], abs=1e-9)


@pytest.mark.parametrize("stall", [0.010, 0.025, 0.050])
async def test_pacer_stalls_do_not_accumulate(stall: float) -> None:
    clock, rng = VirtualClock(), random.Random(1)
    pacer = Pacer(clock, lead_frames=3)
    stalls = {index: stall for index in range(10, 2990, 10) if rng.random() < 0.5}
    times = await departures(pacer, clock, 3000, stalls)
    lateness = [t - (1000 + (i - 3) * FRAME_S) for i, t in enumerate(times) if i > 3]
    assert pacer.underruns == 0
    assert min(lateness) == pytest.approx(0, abs=1e-9)
    assert max(lateness) < stall + FRAME_S
    assert lateness[-1] < stall


async def test_pacer_without_lead_keeps_schedule() -> None:
    clock = VirtualClock()
    times = await departures(Pacer(clock, lead_frames=0), clock, 200, dict.fromkeys(range(1, 200, 7), 0.025))
    assert times[-1] - 1000 < 199 * FRAME_S + 0.01


@pytest.mark.parametrize("stall", [0.2, 1.0, 30.0])
async def test_pacer_long_stall_sends_no_burst(stall: float) -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, lead_frames=3)
    times = await departures(pacer, clock, 200, {100: stall})
    assert max(Counter(times).values()) == 4
    assert pacer.underruns == 1
    assert pacer.longest_gap_s == pytest.approx(stall - 3 * FRAME_S, abs=FRAME_S)


async def test_pacer_receiver_buffer_is_bounded() -> None:
    clock, rng = VirtualClock(), random.Random(2)
    pacer = Pacer(clock, lead_frames=5)
    stalls = {index: rng.choice([0.0, 0.01, 0.05, 0.3]) for index in range(1000)}
    held, played_at = 0.0, clock.now()
    for index in range(1000):
        clock.stall(stalls[index])
        await pacer.wait_until_due()
        held = max(0.0, held - (clock.now() - played_at)) + FRAME_S
        played_at = clock.now()
        assert held <= 6 * FRAME_S + 0.02 + 1e-9


async def test_pacer_next_utterance_continues_schedule() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, lead_frames=3)
    pacer.start_utterance()
    first = await departures(pacer, clock, 10)
    pacer.start_utterance()
    second = await departures(pacer, clock, 10)
    assert second[0] - first[-1] == pytest.approx(FRAME_S)


async def test_pacer_silence_is_no_underrun() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, lead_frames=3)
    await departures(pacer, clock, 10)
    clock.stall(5)
    pacer.start_utterance()
    assert await pacer.wait_until_due() == 0
    assert pacer.underruns == 0


async def test_pacer_reset_sends_the_lead_again() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, lead_frames=3)
    await departures(pacer, clock, 10)
    pacer.reset()
    assert len(set(await departures(pacer, clock, 4))) == 1


@pytest.mark.parametrize("arguments", [{"frame_s": 0.0}, {"lead_frames": -1}, {"tolerance_s": -0.1}])
def test_pacer_invalid_arguments(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Pacer(VirtualClock(), **arguments)  # type: ignore[arg-type]
