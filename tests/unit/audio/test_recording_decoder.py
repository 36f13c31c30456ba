"""Decoding in worker processes: bounded memory, refused files, windows, crashes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from deployments.audio.encode import wav_file
from deployments.audio.recording_decoder import RecordingDecoder
from deployments.audio.windows import cut_at_pauses
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import TooLarge, UnsupportedAudio
from deployments.contracts.memory_file import FileElsewhere, MemoryFile, MemoryFileReference
from deployments.engines.conformance import collect
from deployments.isolation.spec import WorkerSpec
from tests.fakes.hostile_recordings import DECLARED, silent_flac

MEBIBYTE = 1 << 20
NOISE = np.random.default_rng(1).integers(-9_000, 9_000, 16_000).astype("<i2").tobytes()


@pytest.fixture
async def decoder() -> AsyncIterator[RecordingDecoder]:
    decoder = RecordingDecoder(window_s=20)
    await decoder.start()
    yield decoder
    await decoder.stop()


def highest_memory(pids: tuple[int, ...]) -> int:
    """The largest resident size in bytes that one of these processes ever had."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def test_files_that_declare_too_much_are_refused(decoder: RecordingDecoder) -> None:
    for name, data in DECLARED.items():
        assert len(data) < 400
        with pytest.raises(UnsupportedAudio):
            await collect(decoder.windows(data, 3_600))
        assert highest_memory(decoder.pids) < 110 * MEBIBYTE, name


async def test_long_recording_comes_in_windows(decoder: RecordingDecoder) -> None:
    """The process holds no more of an hour than of a minute, and decodes while its reader reads."""
    data = silent_flac(3_600)
    windows = decoder.windows(data, 3_600)
    assert len(await anext(windows)) <= PCM16_16K.size(20)
    await windows.aclose()
    with pytest.raises(TooLarge, match="3599 seconds"):
        await collect(decoder.windows(data, 3_599))
    assert highest_memory(decoder.pids) < 110 * MEBIBYTE


async def test_decoder_opens_a_memory_file_itself(decoder: RecordingDecoder) -> None:
    """A large file is in no process, neither as a whole nor in parts that stay."""
    pcm = NOISE * 700
    with MemoryFile() as file:
        file.write(wav_file(pcm, PCM16_16K))
        del pcm
        before = psutil.Process().memory_info().rss
        windows = decoder.windows(file.reference, 3_600)
        assert await anext(windows)
        assert psutil.Process().memory_info().rss - before < 10 * MEBIBYTE
        assert highest_memory(decoder.pids) < 90 * MEBIBYTE
        await windows.aclose()
    with pytest.raises(FileElsewhere):
        await collect(decoder.windows(file_reference_of(b""), 3_600))


def file_reference_of(data: bytes) -> MemoryFileReference:
    """Of a file that its owner has closed."""
    with MemoryFile() as file:
        file.write(data)
        return file.reference


async def test_open_long_recordings_leave_a_process_for_short_ones(decoder: RecordingDecoder) -> None:
    opened = [decoder.windows(silent_flac(60), 60) for _ in range(2)]
    for windows in opened:
        await anext(windows)
    waiting = asyncio.ensure_future(collect(decoder.windows(silent_flac(60), 60)))
    assert await collect(decoder.windows(wav_file(NOISE, PCM16_16K), 60)) == [NOISE]
    assert not waiting.done()
    await opened[0].aclose()
    assert sum(map(len, await asyncio.wait_for(waiting, 10))) == PCM16_16K.size(60)
    await opened[1].aclose()


async def test_crash_of_the_decoder_refuses_one_file() -> None:
    decoder = RecordingDecoder(WorkerSpec("decoder", "tests.unit.audio.crashing_decoder:open_decoder"))
    await decoder.start()
    try:
        for data in (b"SIGSEGV", b"SIGABRT", b"SIGXCPU", b"memory"):
            with pytest.raises(UnsupportedAudio):
                await collect(decoder.windows(data, 60))
            assert await collect(decoder.windows(b"1234", 60)) == [b"1234"]
    finally:
        await decoder.stop()


async def blocks_of(pcm: bytes) -> AsyncIterator[bytes]:
    for position in range(0, len(pcm), 50_000):
        yield pcm[position : position + 50_000]


@pytest.mark.parametrize(
    ("make", "ends"),
    [
        (lambda pause: NOISE * 10, [10]),
        (lambda pause: NOISE * 8 + pause + NOISE * 2, [8.15, 10.3]),
        (lambda pause: NOISE * 6 + pause + NOISE * 9 + pause + NOISE, [6.15, 15.45, 16.6]),
    ],
    ids=["one window", "pause", "pauses"],
)
async def test_windows_are_cut_at_pauses(make: Callable[[bytes], bytes], ends: list[float]) -> None:
    pcm = make(PCM16_16K.silence(0.3))
    windows = await collect(cut_at_pauses(blocks_of(pcm), window_s=10))
    assert b"".join(windows) == pcm
    positions = np.cumsum([len(window) for window in windows]) / PCM16_16K.bytes_per_second
    assert list(positions) == pytest.approx(ends, abs=0.15)
