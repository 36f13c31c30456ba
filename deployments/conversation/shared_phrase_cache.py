"""A phrase cache that doors share. A phrase is stored as a JSON header followed by its audio, without its text.

Stored bytes are validated when they are read.
"""

import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments.contracts.audio import AudioFormat, Encoding, SpeechChunk
from deployments.contracts.shared import SharedBlobCache
from deployments.conversation.phrase_cache import PhraseKey

_LENGTH_BYTES = 4
_GROUP_DIGITS = 16


class _ChunkHeader(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    size: int = Field(ge=0)
    rate: int = Field(gt=0, le=192_000)
    channels: int = Field(gt=0, le=8)
    encoding: Encoding
    sequence: int = Field(ge=0)


class _PhraseHeader(BaseModel):
    chunks: tuple[_ChunkHeader, ...] = Field(max_length=10_000)


class SharedPhraseCache:
    """Stores phrases in a ``SharedBlobCache``. A phrase of an earlier ``epoch`` is not found and expires."""

    def __init__(self, shared: SharedBlobCache) -> None:
        self._shared = shared

    async def get(self, key: PhraseKey, epoch: int = 0) -> tuple[SpeechChunk, ...] | None:
        """The phrase, or None when it is missing, unavailable or invalid."""
        content = await self._shared.get(storage_key(key, epoch))
        return decode_phrase(content, key.text) if content is not None else None

    async def put(self, key: PhraseKey, chunks: tuple[SpeechChunk, ...], epoch: int = 0) -> None:
        if chunks:
            await self._shared.put(storage_key(key, epoch), encode_phrase(chunks))

    async def forget(self, voice_id: str) -> None:
        """Removes the phrases of a voice, if the cache is available."""
        await self._shared.forget(_group(voice_id))


def encode_phrase(chunks: tuple[SpeechChunk, ...]) -> bytes:
    """Length of the header (4 bytes, big endian), header, audio of all chunks."""
    chunk_headers = tuple(
        _ChunkHeader(
            size=len(chunk.audio),
            rate=chunk.format.rate,
            channels=chunk.format.channels,
            encoding=chunk.format.encoding,
            sequence=chunk.sequence,
        )
        for chunk in chunks
    )
    header = _PhraseHeader(chunks=chunk_headers).model_dump_json().encode()
    return len(header).to_bytes(_LENGTH_BYTES, "big") + header + b"".join(chunk.audio for chunk in chunks)


def decode_phrase(content: bytes, text: str) -> tuple[SpeechChunk, ...] | None:
    """The chunks that ``encode_phrase`` encoded, with ``text`` on the first one. None for invalid content."""
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
    try:
        header = _PhraseHeader.model_validate_json(content[_LENGTH_BYTES:end])
    except ValidationError:
        return None
    if end + sum(chunk.size for chunk in header.chunks) != len(content):
        return None
    chunks: list[SpeechChunk] = []
    for chunk in header.chunks:
        audio_format = AudioFormat(chunk.rate, chunk.channels, chunk.encoding)
        chunk_text = "" if chunks else text
        chunks.append(SpeechChunk(content[end : end + chunk.size], audio_format, chunk_text, chunk.sequence))
        end += chunk.size
    return tuple(chunks)


def storage_key(key: PhraseKey, epoch: int) -> str:
    """A fingerprint of all fields of ``key`` and of ``epoch``."""
    parameters = key.parameters.model_dump() if key.parameters else None
    parts = [epoch, key.voice_id, key.model, key.language, key.speed, key.text, parameters]
    return f"{_group(key.voice_id)}:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def _group(voice_id: str) -> str:
    """The first part of the names of all phrases of a voice."""
    return hashlib.sha256(voice_id.encode()).hexdigest()[:_GROUP_DIGITS]
