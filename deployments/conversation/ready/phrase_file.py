"""The file of one ready phrase: its audio as the voice speaks it, and in the formats of phone lines.

Layout: ``MAGIC``, the length of the header (4 bytes, big endian), a JSON header, then the sections of the header one
after another. A reader that needs one format reads the header and one section. Every section has a CRC-32.
"""

import zlib
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import ALAW_8K, MULAW_8K, AudioFormat, Encoding, SpeechChunk

MAGIC = b"RDY1"
LINE_FORMATS = (ALAW_8K, MULAW_8K)
"""Phone lines that get a phrase without resampling and encoding."""
BLOCK_S = 0.5
"""Ready audio is given in blocks of this length."""
_MAX_HEADER_BYTES = 4_096


class DamagedPhrase(Exception):
    """The file is cut short, overwritten or from another version."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: int = Field(gt=0, le=192_000)
    channels: int = Field(gt=0, le=8)
    encoding: Encoding
    size: int = Field(gt=0)
    crc: int = Field(ge=0, lt=1 << 32)

    @property
    def format(self) -> AudioFormat:
        return AudioFormat(self.rate, self.channels, self.encoding)


class _Header(BaseModel):
    sections: tuple[_Section, ...] = Field(min_length=1, max_length=8)


@dataclass(frozen=True, slots=True)
class ReadySound:
    """The whole audio of a phrase in one format."""

    audio: bytes
    format: AudioFormat

    def chunks(self, text: str) -> tuple[SpeechChunk, ...]:
        """Blocks of ``BLOCK_S`` seconds, with ``text`` on the first one."""
        size = self.format.size(BLOCK_S)
        return tuple(
            SpeechChunk(self.audio[start : start + size], self.format, "" if start else text, start // size)
            for start in range(0, len(self.audio), size)
        )


def encode_phrase_file(sound: ReadySound) -> bytes:
    """The file of ``sound``, with a section for each of ``LINE_FORMATS``. Takes milliseconds: call it in a thread."""
    sounds = [sound, *(_converted(sound, line) for line in LINE_FORMATS)]
    sections = tuple(
        _Section(
            rate=each.format.rate,
            channels=each.format.channels,
            encoding=each.format.encoding,
            size=len(each.audio),
            crc=zlib.crc32(each.audio),
        )
        for each in sounds
    )
    header = _Header(sections=sections).model_dump_json().encode()
    return b"".join((MAGIC, len(header).to_bytes(4, "big"), header, *(each.audio for each in sounds)))


def read_phrase_file(file: BinaryIO, line: AudioFormat | None = None) -> ReadySound:
    """The phrase in the format ``line`` if the file has it, else as the voice speaks it. Raises DamagedPhrase."""
    header = _read_header(file)
    chosen = next((each for each in header.sections if each.format == line), header.sections[0])
    for section in header.sections:
        if section is chosen:
            break
        file.seek(section.size, 1)
    return ReadySound(_read_section(file, chosen), chosen.format)


def check_phrase_file(file: BinaryIO) -> None:
    """Reads every section. Raises DamagedPhrase."""
    for section in _read_header(file).sections:
        _read_section(file, section)
    if file.read(1):
        raise DamagedPhrase("there is more than the header says")


def _read_header(file: BinaryIO) -> _Header:
    start = file.read(len(MAGIC) + 4)
    size = int.from_bytes(start[len(MAGIC) :], "big")
    if not start.startswith(MAGIC) or len(start) != len(MAGIC) + 4 or size > _MAX_HEADER_BYTES:
        raise DamagedPhrase("this is no ready phrase")
    try:
        return _Header.model_validate_json(file.read(size))
    except ValidationError:
        raise DamagedPhrase("the header is invalid") from None


def _read_section(file: BinaryIO, section: _Section) -> bytes:
    audio = file.read(section.size)
    if len(audio) != section.size or zlib.crc32(audio) != section.crc:
        raise DamagedPhrase("the audio is incomplete or changed")
    return audio


def _converted(sound: ReadySound, target: AudioFormat) -> ReadySound:
    converter = AudioConverter(sound.format, target)
    return ReadySound(converter.feed(sound.audio) + converter.finish(), target)
