"""Encoding to audio files and decoding of untrusted files."""

import contextlib
import struct
from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.audio.convert import AudioConverter
from deployments.audio.encode import CONTENT_TYPES, StreamEncoder, ogg_opus_file, wav_file
from deployments.contracts.audio import ALAW_8K, PCM16_8K, PCM16_16K, PCM16_22K, PCM16_24K, AudioFormat
from deployments.contracts.errors import InvalidRequest, TooLarge, UnsupportedAudio
from tests.fakes.decoding import decode_to_pcm16

RATE = 24_000
FILES = sorted(set(CONTENT_TYPES) - {"pcm"})


def _tone(seconds: float = 1.0, rate: int = RATE) -> bytes:
    return (np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate) * 12_000).astype("<i2").tobytes()


def _encoded(format: str, sound: bytes, source: AudioFormat = PCM16_24K) -> bytes:
    encoder = StreamEncoder(format, source)
    return encoder.feed(sound) + encoder.finish()


SOURCES = (PCM16_8K, PCM16_22K, ALAW_8K, AudioFormat(44_100, 2), PCM16_24K)
SAMPLES = [_encoded(name, _tone(0.3)) for name in FILES]


@pytest.mark.parametrize(
    ("format", "source"),
    [*zip(FILES, SOURCES, strict=True), *(("mp3", source) for source in SOURCES[:-1]), ("opus", PCM16_8K)],
)
def test_encoded_audio_decodes_to_the_same_tone(format: str, source: AudioFormat) -> None:
    seconds = 0.8
    audio = _converted_tone(source, seconds)
    decoded = np.frombuffer(decode_to_pcm16(_encoded(format, audio, source)), "<i2").astype(float)
    assert len(decoded) / 16_000 == pytest.approx(seconds, abs=0.3)
    spectrum = np.abs(np.fft.rfft(decoded))
    assert spectrum.argmax() * 16_000 / len(decoded) == pytest.approx(440, abs=4)


@pytest.mark.parametrize("container", ["mp2", "mpeg"])
def test_mpeg_layer_two_is_decoded(container: str) -> None:
    """Files named .mpga and .mpeg."""
    target = BytesIO()
    with av.open(target, "w", container) as file:
        stream = file.add_stream("mp2", rate=RATE * 2, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(_tone(rate=RATE * 2), "<i2")[np.newaxis], "s16", "mono")
        frame.rate, frame.pts = RATE * 2, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    assert len(decode_to_pcm16(target.getvalue())) / 32_000 == pytest.approx(1, abs=0.1)


def _converted_tone(source: AudioFormat, seconds: float) -> bytes:
    converter = AudioConverter(PCM16_24K, source)
    return converter.feed(_tone(seconds)) + converter.finish()


@pytest.mark.parametrize(
    ("format", "milliseconds"), [("wav", 20), ("pcm", 20), ("mp3", 100), ("flac", 300), ("aac", 200), ("opus", 300)]
)
def test_encoder_returns_bytes_early(format: str, milliseconds: int) -> None:
    """More than headers is returned after so many milliseconds."""
    encoder = StreamEncoder(format, PCM16_24K)
    frame = len(_tone(0.02))
    sound = _tone()
    blocks = [encoder.feed(sound[i : i + frame]) for i in range(0, milliseconds * 48, frame)]
    assert len(b"".join(blocks)) > 44 + 80


def test_streamed_wav_has_unknown_length() -> None:
    encoder = StreamEncoder("wav", PCM16_22K)
    head = encoder.feed(_tone(0.1))[:44]
    assert head[:4] + head[8:16] + head[36:40] == b"RIFFWAVEfmt data"
    assert struct.unpack("<I", head[4:8]) == struct.unpack("<I", head[40:44]) == (0xFFFFFFFF,)
    assert struct.unpack("<HHIIHH", head[20:36]) == (1, 1, 22_050, 44_100, 2, 16)


def test_empty_wav_stream_is_a_header() -> None:
    assert len(StreamEncoder("wav", PCM16_22K).finish()) == 44


@settings(deadline=None)
@given(st.binary(max_size=400).map(lambda b: b[: len(b) // 2 * 2]))
def test_wav_file_has_lengths_and_samples(pcm: bytes) -> None:
    data = wav_file(pcm, PCM16_16K)
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert struct.unpack("<I", data[40:44])[0] == len(pcm)
    assert data[44:] == pcm
    if pcm:
        assert decode_to_pcm16(data) == pcm


def test_wav_file_of_alaw_is_pcm() -> None:
    assert decode_to_pcm16(wav_file(ALAW_8K.silence(1), ALAW_8K), rate=8_000)[:2] == b"\x08\x00"


def test_ogg_opus_file_has_opus_in_ogg() -> None:
    note = ogg_opus_file(_tone(), PCM16_24K)
    assert note[:4] == b"OggS"
    assert b"OpusHead" in note[:64]
    assert len(decode_to_pcm16(note)) == 32_000


def test_pcm_format_is_24_khz() -> None:
    assert len(_encoded("pcm", _tone(1, 22_050), PCM16_22K)) == 48_000


def test_unknown_format_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="midi"):
        StreamEncoder("midi", PCM16_24K)


@pytest.mark.parametrize("format", FILES)
def test_decode_converts_to_the_given_rate(format: str) -> None:
    data = _encoded(format, _tone())
    for rate in (8_000, 22_050, 48_000):
        assert len(decode_to_pcm16(data, rate)) / 2 / rate == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"hello, this is a letter",
        b"RIFF" + bytes(200),
        b"OggS" + bytes(500),
        b"\xff\xfb" * 3,
        wav_file(b"", PCM16_16K),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>http://localhost/</BaseURL></MPD>',
    ],
)
def test_decode_refuses_data_without_audio(data: bytes) -> None:
    with pytest.raises(UnsupportedAudio) as caught:
        decode_to_pcm16(data)
    assert len(caught.value.message) > 10
    assert caught.value.param == "file"


def _wav_claiming(rate: int, channels: int) -> bytes:
    fields = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    return b"RIFF" + struct.pack("<I", 4036) + b"WAVEfmt " + fields + b"data" + struct.pack("<I", 4000) + bytes(4000)


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (4_000_000, 1), (16_000, 60), (16_000, 30_000)])
def test_decode_refuses_absurd_headers(rate: int, channels: int) -> None:
    with pytest.raises(UnsupportedAudio):
        decode_to_pcm16(_wav_claiming(rate, channels))


def test_decode_refuses_an_unknown_codec() -> None:
    data = bytearray(_encoded("wav", _tone(0.2)))
    data[20:22] = b"\xfe\x7f"
    with pytest.raises(UnsupportedAudio, match="codec"):
        decode_to_pcm16(bytes(data))


@pytest.mark.parametrize("format", FILES)
def test_decode_refuses_too_long_audio(format: str) -> None:
    with pytest.raises(TooLarge, match="2 seconds"):
        decode_to_pcm16(_encoded(format, _tone(3)), max_seconds=2)


def test_decode_returns_the_start_of_a_truncated_file() -> None:
    data = _encoded("mp3", _tone(2))
    assert 0.5 < len(decode_to_pcm16(data[: len(data) // 2])) / 32_000 < 1.5


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=12), st.data()
)
def test_decode_of_damaged_files_is_safe(sample: bytes, damage: list[tuple[int, int]], data: st.DataObject) -> None:
    damaged = bytearray(sample)
    for position, value in damage:
        damaged[position % len(damaged)] = value
    cut = data.draw(st.integers(0, len(damaged)))
    with contextlib.suppress(UnsupportedAudio, TooLarge):
        assert len(decode_to_pcm16(bytes(damaged[:cut]), max_seconds=10)) <= 10.5 * 32_000


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\x1aE\xdf\xa3", b"\0\0\0 ftypM4A "]), st.binary())
def test_decode_of_random_bytes_is_safe(magic: bytes, garbage: bytes) -> None:
    with contextlib.suppress(UnsupportedAudio, TooLarge):
        decode_to_pcm16(magic + garbage, max_seconds=10)
