"""Ready phrases on disk: one file for each, in a folder that all processes of the machine read and the office writes.

Names are fingerprints of everything that determines the audio, so a file is never outdated, only unused. Files are
renamed into place; a reader sees a whole file or none. The time of a file is that of its last use, to the hour.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deployments.contracts.audio import AudioFormat
from deployments.contracts.speech import Voice
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.ready.phrase_file import (
    DamagedPhrase,
    ReadySound,
    check_phrase_file,
    encode_phrase_file,
    read_phrase_file,
)
from deployments.conversation.shared_phrase_cache import storage_key

log = logging.getLogger(__name__)

_SUFFIX, _UNFINISHED = ".phrase", ".unfinished"
_VOICES = "voices.json"
_USE_RESOLUTION_S = 3_600
_VOICE_LIST: TypeAdapter[tuple[Voice, ...]] = TypeAdapter(tuple[Voice, ...])


@dataclass(frozen=True, slots=True)
class StoredPhrase:
    """``size`` in bytes, ``used_at`` in Unix seconds."""

    name: str
    size: int
    used_at: float


class PhraseStore:
    """The folder ``directory``, which need not exist. Methods block: call them in a thread. Reading never raises."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self._clock = clock
        self._voices: tuple[int, tuple[Voice, ...]] = (0, ())

    def has(self, name: str) -> bool:
        """Takes microseconds."""
        return os.path.exists(self._path(name))

    def read(self, name: str, line: AudioFormat | None = None) -> ReadySound | None:
        """The phrase, or None when it is missing or damaged. A damaged file is removed, so that it is made again."""
        try:
            with open(self._path(name), "rb") as file:
                sound = read_phrase_file(file, line)
                self._note_use(file.fileno())
                return sound
        except DamagedPhrase as error:
            log.warning("the ready phrase %s is made again: %s", name, error)
            self.remove([name])
        except OSError:
            pass
        return None

    def is_whole(self, name: str) -> bool:
        """Whether every byte of the phrase is as it was written. A damaged file is removed."""
        try:
            with open(self._path(name), "rb") as file:
                check_phrase_file(file)
                return True
        except DamagedPhrase:
            self.remove([name])
        except OSError:
            pass
        return False

    def write(self, name: str, sound: ReadySound) -> StoredPhrase:
        """Stores a phrase. Raises OSError, after which nothing is left of it."""
        content = encode_phrase_file(sound)
        self._replace(self._path(name), content)
        return StoredPhrase(name, len(content), self._clock())

    def remove(self, names: Iterable[str]) -> int:
        """Returns how many phrases were removed."""
        removed = 0
        for name in names:
            with suppress(OSError):
                os.unlink(self._path(name))
                removed += 1
        return removed

    def phrases(self) -> dict[str, StoredPhrase]:
        """What is stored, by name. Removes what a process left behind that was killed while it wrote."""
        found: dict[str, StoredPhrase] = {}
        with suppress(OSError), os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.name.endswith(_UNFINISHED):
                    with suppress(OSError):
                        os.unlink(entry.path)
                elif entry.name.endswith(_SUFFIX):
                    with suppress(OSError):
                        facts = entry.stat()
                        name = entry.name.removesuffix(_SUFFIX)
                        found[name] = StoredPhrase(name, facts.st_size, facts.st_mtime)
        return found

    def voices(self) -> tuple[Voice, ...]:
        """The voices of stored phrases, which speak without their engine."""
        path = self.directory / _VOICES
        try:
            changed_at = os.stat(path).st_mtime_ns
            if changed_at != self._voices[0]:
                self._voices = (changed_at, _VOICE_LIST.validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            return ()
        return self._voices[1]

    def write_voices(self, voices: tuple[Voice, ...]) -> None:
        """Raises OSError."""
        if voices != self.voices():
            self._replace(str(self.directory / _VOICES), _VOICE_LIST.dump_json(voices))

    def _path(self, name: str) -> str:
        return f"{self.directory}/{name}{_SUFFIX}"

    def _replace(self, path: str, content: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = f"{path}.{os.getpid()}{_UNFINISHED}"
        try:
            with open(unfinished, "wb") as file:
                file.write(content)
            os.replace(unfinished, path)
        except OSError:
            with suppress(OSError):
                os.unlink(unfinished)
            raise

    def _note_use(self, file: int) -> None:
        now = self._clock()
        with suppress(OSError):
            if now - os.fstat(file).st_mtime > _USE_RESOLUTION_S:
                os.utime(file, (now, now))


def phrase_name(key: PhraseKey) -> str:
    """The fingerprint of a phrase: voice, revision of its model, language, speed, text and parameters of the preset."""
    return storage_key(key, 0).replace(":", "-")
