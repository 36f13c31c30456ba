"""The files of cloned voices: ``<folder>/<voice id>/voice.json`` and its samples, see ``engines.speech.cloned_voices``.

A folder appears and disappears by one rename. Functions block; run them in a thread.
"""

import json
import os
import re
import secrets
import shutil
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployments.administration.speech.voice_samples import SAMPLE_RATE
from deployments.contracts.errors import NotFound

_DRAFT, _DELETED = ".upload-", ".deleted-"
_SAMPLE_NAME = re.compile(r"[\w.-]{1,100}\.wav", re.ASCII)
_MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sample of a voice. ``seconds`` 0: it cannot be read."""

    name: str
    seconds: float
    size_bytes: int


class VoiceFiles:
    """The voices below ``folder``, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> frozenset[str]:
        """The names of all folders, also of those that were put there by hand."""
        return frozenset(path.name for path in self._folder.glob("*") if path.is_dir()) if self.exists else frozenset()

    @property
    def exists(self) -> bool:
        return self._folder.is_dir()

    def create(self, voice_id: str, facts: dict[str, object], pcm: bytes) -> int:
        """Makes the folder of a voice with its first sample. Returns the size of the sample in bytes."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=self._folder, prefix=_DRAFT))
        try:
            size = _write_wav(draft / "sample-1.wav", pcm)
            _write(draft / "voice.json", json.dumps(facts, ensure_ascii=False).encode())
            os.rename(draft, self._folder / voice_id)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        _sync(self._folder)
        return size

    def write_facts(self, voice_id: str, facts: dict[str, object]) -> None:
        """Replaces ``voice.json``."""
        draft = self._folder / voice_id / f".{secrets.token_hex(8)}.part"
        _write(draft, json.dumps(facts, ensure_ascii=False).encode())
        os.replace(draft, self._folder / voice_id / "voice.json")

    def add_sample(self, voice_id: str, pcm: bytes) -> str:
        """Returns the name of the new sample."""
        taken = {sample.name for sample in self.samples(voice_id)}
        name = next(n for number in range(1, _MAX_LISTED + 2) if (n := f"sample-{number}.wav") not in taken)
        draft = self._folder / voice_id / f".{secrets.token_hex(8)}.part"
        _write_wav(draft, pcm)
        os.replace(draft, self._folder / voice_id / name)
        _sync(self._folder / voice_id)
        return name

    def samples(self, voice_id: str) -> tuple[SampleFile, ...]:
        return tuple(self._samples(voice_id))

    def _samples(self, voice_id: str) -> Iterator[SampleFile]:
        for path in sorted((self._folder / voice_id).glob("*.wav"))[:_MAX_LISTED]:
            if path.is_file() and not path.is_symlink():
                yield SampleFile(path.name, _seconds(path), path.stat().st_size)

    def sample(self, voice_id: str, name: str) -> Path:
        """Raises NotFound for anything but a regular file of the voice."""
        path = self._folder / voice_id / name
        if not _SAMPLE_NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise NotFound("the voice has no such sample")
        return path

    def remove_sample(self, voice_id: str, name: str) -> None:
        """Raises NotFound."""
        self.sample(voice_id, name).unlink(missing_ok=True)

    def put_aside(self, voice_id: str) -> Path | None:
        """Renames the folder of a voice, so that no engine finds it. None when there is no folder."""
        aside = self._folder / f"{_DELETED}{voice_id}-{secrets.token_hex(8)}"
        try:
            os.rename(self._folder / voice_id, aside)
        except FileNotFoundError:
            return None
        return aside

    def bring_back(self, voice_id: str, aside: Path) -> None:
        os.rename(aside, self._folder / voice_id)

    def remove(self, aside: Path) -> None:
        """Deletes a folder that was put aside. What cannot be deleted now is deleted at the next start."""
        shutil.rmtree(aside, ignore_errors=True)

    def remove_leftovers(self) -> None:
        """Deletes what a killed process left."""
        for prefix in (_DRAFT, _DELETED):
            for path in self._folder.glob(f"{prefix}*"):
                shutil.rmtree(path, ignore_errors=True)


def write_wav(path: Path, pcm: bytes) -> int:
    """Writes a WAV file at once or not at all, with the folders above it. Returns its size."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    size = _write_wav(draft, pcm)
    os.replace(draft, path)
    _sync(path.parent)
    return size


def _write_wav(path: Path, pcm: bytes) -> int:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(SAMPLE_RATE)
            sound.writeframes(pcm)
        file.flush()
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seconds(path: Path) -> float:
    try:
        with wave.open(str(path), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return 0.0
