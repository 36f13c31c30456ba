"""Resampling, conversion and framing of streams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.audio.convert import AudioConverter
from deployments.audio.framing import Framer
from deployments.audio.g711 import alaw_decode, alaw_encode
from deployments.audio.resample import StreamResampler
from deployments.contracts.audio import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding

RATES = st.sampled_from((8_000, 16_000, 22_050, 24_000, 48_000))
SOUNDS = st.integers(0, 2**32 - 1).flatmap(lambda seed: st.integers(0, 6_000).map(lambda size: _noise(seed, size)))
BLOCK_SIZES = st.lists(st.integers(1, 1_500), max_size=20)
FORMATS = st.builds(AudioFormat, RATES, st.sampled_from((1, 2)), st.sampled_from(Encoding))


def _noise(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).integers(-32_768, 32_767, size, np.int16).tobytes()


def _tone(hz: float, rate: int, seconds: float = 1.0, level: float = 0.5) -> bytes:
    wave = np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate) * 32_767 * level
    return wave.astype("<i2").tobytes()


def _blocks(sound: bytes, sizes: list[int]) -> list[bytes]:
    blocks = []
    for size in sizes:
        blocks.append(sound[:size])
        sound = sound[size:]
    return [*blocks, sound]


def _stream(machine: StreamResampler | AudioConverter, blocks: list[bytes]) -> bytes:
    return b"".join([*(machine.feed(block) for block in blocks), machine.finish()])


@settings(deadline=None, max_examples=40)
@given(SOUNDS, BLOCK_SIZES, RATES, RATES)
def test_resampler_output_is_independent_of_blocks(sound: bytes, sizes: list[int], source: int, target: int) -> None:
    whole = _stream(StreamResampler(source, target), [sound])
    assert _stream(StreamResampler(source, target), _blocks(sound, sizes)) == whole
    assert abs(len(whole) / 2 - len(sound) / 2 * target / source) <= 1


@settings(deadline=None, max_examples=40)
@given(SOUNDS, BLOCK_SIZES, FORMATS, FORMATS)
def test_converter_output_is_independent_of_blocks(
    sound: bytes, sizes: list[int], source: AudioFormat, target: AudioFormat
) -> None:
    sound = sound[: len(sound) - len(sound) % source.bytes_per_frame]
    whole = _stream(AudioConverter(source, target), [sound])
    assert _stream(AudioConverter(source, target), _blocks(sound, sizes)) == whole
    assert abs(target.seconds(len(whole)) - source.seconds(len(sound))) <= 1 / target.rate
    assert len(whole) % target.bytes_per_frame == 0


def test_resampler_with_equal_rates_copies() -> None:
    assert _stream(StreamResampler(8_000, 8_000), [b"\x01", b"\x02\x03\x04\x05"]) == b"\x01\x02\x03\x04"


def test_resampler_clips_overshoot() -> None:
    square = np.repeat(np.tile(np.array([32_767, -32_768], np.int16), 200), 20)
    out = np.frombuffer(_stream(StreamResampler(8_000, 24_000), [square.tobytes()]), "<i2").astype(int)
    assert np.abs(np.diff(out)).max() < 40_000
    assert out.max() == 32_767


@pytest.mark.parametrize(("source", "target"), [(22_050, 8_000), (24_000, 8_000), (8_000, 16_000), (16_000, 8_000)])
def test_resampler_signal_to_noise_is_above_70_db(source: int, target: int) -> None:
    out = np.frombuffer(_stream(StreamResampler(source, target), [_tone(1_000, source)]), "<i2").astype(float)
    ideal = np.frombuffer(_tone(1_000, target), "<i2").astype(float)
    middle = slice(target // 10, -target // 10)
    noise = out[middle] - ideal[middle]
    assert 10 * np.log10((ideal[middle] ** 2).mean() / ((noise**2).mean() + 1e-9)) > 70


def test_resampler_removes_aliasing_frequencies() -> None:
    out = np.frombuffer(_stream(StreamResampler(24_000, 8_000), [_tone(5_000, 24_000)]), "<i2").astype(float)
    assert np.abs(out[800:-800]).max() < 30


def test_finished_resampler_is_reset() -> None:
    resampler = StreamResampler(24_000, 8_000)
    first = _stream(resampler, [_tone(440, 24_000), b"\x01"])
    assert _stream(resampler, [_tone(440, 24_000)]) == first


def test_converter_with_equal_formats_copies() -> None:
    assert AudioConverter(ALAW_8K, ALAW_8K).feed(b"abc") == b"abc"


def test_converter_encodes_and_decodes_alaw() -> None:
    pcm = alaw_decode(bytes(range(256)))
    assert _stream(AudioConverter(PCM16_8K, ALAW_8K), [pcm]) == alaw_encode(pcm)
    assert _stream(AudioConverter(ALAW_8K, PCM16_8K), [bytes(range(256))]) == pcm


def test_converter_mixes_and_copies_channels() -> None:
    stereo = AudioFormat(8_000, 2)
    assert _stream(AudioConverter(stereo, PCM16_8K), [np.array([100, 300, -5, 5], "<i2").tobytes()]) == (
        np.array([200, 0], "<i2").tobytes()
    )
    assert _stream(AudioConverter(PCM16_8K, stereo), [b"\x01\x00"]) == b"\x01\x00\x01\x00"


@given(st.binary(max_size=2_000), BLOCK_SIZES, st.sampled_from((ALAW_8K, PCM16_16K, PCM16_24K)))
def test_framer_output_is_input_and_silence(sound: bytes, sizes: list[int], format: AudioFormat) -> None:
    sound = sound[: len(sound) - len(sound) % format.bytes_per_frame]
    framer = Framer(format)
    frames = [frame for block in _blocks(sound, sizes) for frame in framer.feed(block)] + framer.finish()
    assert all(len(frame) == framer.frame_size for frame in frames)
    joined = b"".join(frames)
    assert joined == sound + format.silence(1)[: len(joined) - len(sound)]
    assert len(joined) - len(sound) < framer.frame_size


@pytest.mark.parametrize(("format", "silent"), [(ALAW_8K, b"\xd5"), (MULAW_8K, b"\xff"), (PCM16_8K, b"\x00")])
def test_framer_pads_with_silence_of_the_codec(format: AudioFormat, silent: bytes) -> None:
    framer = Framer(format)
    framer.feed(b"\x11\x22")
    (frame,) = framer.finish()
    assert frame == b"\x11\x22" + silent * (framer.frame_size - 2)
    assert framer.finish() == []


def test_framer_has_telephony_frame_sizes() -> None:
    assert [Framer(f).frame_size for f in (ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)] == [160, 320, 640, 960]


def test_cleared_framer_is_empty() -> None:
    framer = Framer(ALAW_8K)
    framer.feed(b"x")
    framer.clear()
    assert (framer.pending, framer.finish()) == (0, [])


def test_framer_refuses_a_frame_without_samples() -> None:
    with pytest.raises(ValueError):
        Framer(PCM16_8K, frame_ms=0)
