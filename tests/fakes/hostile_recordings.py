"""Audio files that declare more than they have, or hold much more than their size suggests."""

import struct
from io import BytesIO

import av
import numpy as np

HUGE = 0x7FFFFFE4
_FORMAT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)


def _riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + _FORMAT + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, size: int, content: bytes = bytes(28)) -> bytes:
    return name + struct.pack("<I", size) + content


def _box(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", 8 + len(content) if size is None else size) + name + content


def _mp4(table: bytes) -> bytes:
    """An m4a file whose sample table has ``table``."""
    kind = _box(b"hdlr", bytes(8) + b"soun" + bytes(13))
    entry = _box(b"mp4a", bytes(6) + b"\0\1" + bytes(8) + b"\0\1\0\x10" + bytes(4) + struct.pack(">I", 16_000 << 16))
    tables = _box(b"stsd", bytes(4) + b"\0\0\0\1" + entry) + table
    media = _box(b"mdia", _box(b"mdhd", bytes(12) + struct.pack(">II", 16_000, 16_000) + bytes(4)) + kind)
    track = _box(b"trak", media + _box(b"minf", _box(b"stbl", tables)))
    nested = _box(b"trak", _box(b"mdia", kind + _box(b"minf", _box(b"stbl", tables))))
    return _box(b"ftyp", b"M4A \0\0\0\0M4A ") + _box(b"moov", track + nested)


def _aiff_header() -> bytes:
    rate = b"\x40\x0c\xfa\0\0\0\0\0\0\0"
    return b"AIFF" + b"COMM" + struct.pack(">IhIh", 18, 1, 100, 16) + rate


def _ebml(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + b"\x01" + (len(content) if size is None else size).to_bytes(7, "big") + content


def _matroska(content: bytes) -> bytes:
    header = _ebml(b"\x1a\x45\xdf\xa3", b"\x42\x82\x88matroska")
    return header + _ebml(b"\x18\x53\x80\x67", content)


DECLARED = {
    "riff list": _riff(_chunk(b"LIST", HUGE, b"INFOIART" + struct.pack("<I", HUGE - 16) + bytes(12))),
    "riff inner tag": _riff(_chunk(b"LIST", 28, b"INFOIART" + struct.pack("<I", HUGE) + bytes(16))),
    "riff bext": _riff(_chunk(b"bext", HUGE)),
    "riff format": b"RIFF\x30\0\0\0WAVEfmt " + struct.pack("<I", HUGE) + bytes(32),
    "rifx list": b"RIFX" + struct.pack(">I", 40) + b"WAVELIST" + struct.pack(">I", HUGE) + b"INFO" + bytes(16),
    "aiff name": b"FORM" + struct.pack(">I", 90) + _aiff_header() + b"NAME" + struct.pack(">I", HUGE) + bytes(28),
    "w64": b"riff.\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0" + struct.pack("<Q", 1 << 40) + bytes(60),
    "au": b".snd" + struct.pack(">IIIII", HUGE, 4000, 3, 16_000, 1) + bytes(40),
    "flac picture": b"fLaC\x86\xff\xff\xff" + bytes(80),
    "id3 tag": b"ID3\x04\0\0\x7f\x7f\x7f\x7fTXXX\x7f\x7f\x7f\x70\0\0" + bytes(60),
    "id3 picture": b"ID3\x03\0\0\x7f\x7f\x7f\x7fAPIC\x0f\xff\xff\xf0\0\0\0image/png\0\x03\0" + bytes(60),
    "mp4 sizes": _mp4(_box(b"stsz", bytes(8) + struct.pack(">I", 0x1FFFFFFF), HUGE)),
    "mp4 offsets": _mp4(_box(b"stco", bytes(4) + struct.pack(">I", 0x1FFFFFFF), HUGE)),
    "mp4 chunks": _mp4(_box(b"stsc", bytes(4) + struct.pack(">I", 0x0AFFFFFF), HUGE)),
    "mp4 times": _mp4(_box(b"stts", bytes(4) + struct.pack(">I", 0x0FFFFFFF) + struct.pack(">II", HUGE, 1), HUGE)),
    "mp4 tag": _mp4(b"") + _box(b"moov", _box(b"udta", _box(b"\xa9nam", struct.pack(">I", HUGE) + b"data", HUGE))),
    "matroska private": _matroska(_ebml(b"\x16\x54\xae\x6b", _ebml(b"\xae", _ebml(b"\x63\xa2", b"x", 0x0FFFFFF0)))),
    "matroska tag": _matroska(_ebml(b"\x12\x54\xc3\x67", _ebml(b"\x73\x73", _ebml(b"\x45\xa3", b"x", 0x0FFFFFF0)))),
}
"""Each is smaller than 400 bytes."""


def silent_flac(seconds: int) -> bytes:
    """A valid file of about 3 bytes for a second."""
    target = BytesIO()
    with av.open(target, "w", "flac") as container:
        stream = container.add_stream("flac", rate=8_000)
        block = np.zeros((1, 32_000), "<i2")
        for position in range(0, seconds * 8_000, block.shape[1]):
            frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
            frame.rate, frame.pts = 8_000, position
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
