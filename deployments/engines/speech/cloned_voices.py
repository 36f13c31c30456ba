"""Folders of recordings, each of which is a cloned voice.

``<folder>/<voice id>/*.wav`` are its samples: PCM16, 6 to 60 seconds in all. ``voice.json`` next to them is optional:
``{"id": …, "name": …, "languages": […], "consent_id": …}``.
"""

import hashlib
import logging
import re
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.errors import EngineFailed
from deployments.contracts.frozen_model import Language

CLONING_ENGINES = frozenset(("xtts", "openvoice"))
VOICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_SCAN_PERIOD_S = 2.0
_SAMPLE_BYTES = 2
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """A voice and its samples. ``digest`` is the SHA-256 of the samples."""

    id: str
    name: str
    languages: tuple[str, ...]
    samples: tuple[Path, ...]
    digest: str

    @property
    def folder(self) -> Path:
        return self.samples[0].parent


class _VoiceFile(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    name: str = ""
    languages: tuple[Language, ...] = ()


class VoiceFolder:
    """The voices in ``folder``, which need not exist. It is looked at again after two seconds, so a voice that is added
    or removed needs no restart. ``languages`` are those of voices that name none; others are left out of every voice,
    and a voice without any is no voice.
    """

    def __init__(self, folder: Path, languages: tuple[str, ...], now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._languages = languages
        self._now = now
        self._scanned_at: float | None = None
        self._voices: dict[str, ClonedVoice] = {}
        self._states: dict[str, object] = {}

    def voices(self) -> dict[str, ClonedVoice]:
        """By id, in alphabetical order."""
        if self._scanned_at is None or self._now() - self._scanned_at >= _SCAN_PERIOD_S:
            self._scan()
            self._scanned_at = self._now()
        return self._voices

    def _scan(self) -> None:
        """Reads folders whose files have other names, sizes or times than before."""
        states: dict[str, object] = {}
        voices: dict[str, ClonedVoice] = {}
        for folder in self._folders():
            state = _file_states(folder)
            states[folder.name] = state
            known = self._voices.get(folder.name)
            if state == self._states.get(folder.name):
                voice = known
            else:
                voice = self._read(folder)
            if voice is not None:
                voices[voice.id] = voice
        self._states, self._voices = states, voices

    def _folders(self) -> list[Path]:
        try:
            found = sorted(self._folder.iterdir())
        except OSError:
            return []
        return [path for path in found if VOICE_ID.fullmatch(path.name) and path.is_dir()]

    def _read(self, folder: Path) -> ClonedVoice | None:
        """None, and a line in the log, for a folder that is no voice."""
        try:
            samples = tuple(sorted(folder.glob("*.wav")))
            facts = _read_facts(folder)
            digest = hashlib.sha256()
            for sample in samples:
                digest.update(hashlib.sha256(sample.read_bytes()).digest())
        except (OSError, ValidationError) as error:
            log.warning("the folder %s is no voice: %s", folder, type(error).__name__)
            return None
        if not samples or facts.id != folder.name:
            log.warning("the folder %s is no voice: it has no *.wav, or another id in voice.json", folder)
            return None
        languages = tuple(tag for tag in facts.languages or self._languages if tag in self._languages)
        if not languages:
            log.warning("the voice %s is left out: the engine speaks none of %s", folder.name, facts.languages)
            return None
        return ClonedVoice(folder.name, facts.name or folder.name, languages, samples, digest.hexdigest())


def _read_facts(folder: Path) -> _VoiceFile:
    path = folder / "voice.json"
    return _VoiceFile.model_validate_json(path.read_bytes()) if path.exists() else _VoiceFile(id=folder.name)


def _file_states(folder: Path) -> object:
    try:
        entries = [path for path in folder.iterdir() if path.suffix in (".wav", ".json")]
        return sorted((path.name, (found := path.stat()).st_size, found.st_mtime_ns) for path in entries)
    except OSError:
        return None


def read_sample(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """The samples of a WAV file in -1..1, channels averaged, and the rate in Hz. Raises EngineFailed."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise EngineFailed(f"the sample {path.name} of voice {path.parent.name} cannot be read: {error}") from error
    if width != _SAMPLE_BYTES:
        raise EngineFailed(f"the sample {path.name} of voice {path.parent.name} has {8 * width} bits; it must have 16")
    whole = len(content) // (width * channels) * width * channels
    frames = np.frombuffer(content[:whole], "<i2").reshape(-1, channels)
    return frames.mean(axis=1, dtype=np.float32) / 32_768, rate
