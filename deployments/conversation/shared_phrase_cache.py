"""Phrases that doors keep for each other, as bytes: a head of JSON, then the sound. Read back with suspicion.

The text is not among them: whoever asks for a phrase knows it.
"""

import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments.contracts.audio import AudioFormat, Encoding, SpeechChunk
from deployments.contracts.shared import SharedBlobCache
from deployments.conversation.phrase_cache import PhraseKey

_LENGTH_BYTES = 4


class _Chunk(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    size: int = Field(ge=0)
    rate: int = Field(gt=0, le=192_000)
    channels: int = Field(gt=0, le=8)
    encoding: Encoding
    sequence: int = Field(ge=0)


class _Head(BaseModel):
    chunks: tuple[_Chunk, ...] = Field(max_length=10_000)


class SharedPhraseCache:
    """Phrases by their key in what is shared. Those of an earlier ``epoch`` are not found again and fade away."""

    def __init__(self, shared: SharedBlobCache) -> None:
        self._shared = shared

    async def get(self, key: PhraseKey, epoch: int = 0) -> tuple[SpeechChunk, ...] | None:
        """The phrase, or None when it is not there, cannot be had now or cannot be read."""
        content = await self._shared.get(_name(key, epoch))
        return decode_phrase(content, key.text) if content is not None else None

    async def put(self, key: PhraseKey, chunks: tuple[SpeechChunk, ...], epoch: int = 0) -> None:
        if chunks:
            await self._shared.put(_name(key, epoch), encode_phrase(chunks))


def encode_phrase(chunks: tuple[SpeechChunk, ...]) -> bytes:
    """Length of the head (4 bytes, big endian), head, sound of all chunks."""
    described = tuple(
        _Chunk(
            size=len(chunk.audio),
            rate=chunk.format.rate,
            channels=chunk.format.channels,
            encoding=chunk.format.encoding,
            sequence=chunk.sequence,
        )
        for chunk in chunks
    )
    head = _Head(chunks=described).model_dump_json().encode()
    return len(head).to_bytes(_LENGTH_BYTES, "big") + head + b"".join(chunk.audio for chunk in chunks)


def decode_phrase(content: bytes, text: str) -> tuple[SpeechChunk, ...] | None:
    """What ``encoded`` made of ``text`` as it was spoken, which begins with the first block; None for anything else."""
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
    try:
        head = _Head.model_validate_json(content[_LENGTH_BYTES:end])
    except ValidationError:
        return None
    if end + sum(chunk.size for chunk in head.chunks) != len(content):
        return None
    chunks: list[SpeechChunk] = []
    for chunk in head.chunks:
        shape = AudioFormat(chunk.rate, chunk.channels, chunk.encoding)
        begins = "" if chunks else text
        chunks.append(SpeechChunk(content[end : end + chunk.size], shape, begins, chunk.sequence))
        end += chunk.size
    return tuple(chunks)


def _name(key: PhraseKey, epoch: int) -> str:
    parts = [epoch, key.voice_id, key.model, key.language, key.speed, key.text]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
