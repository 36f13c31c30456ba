"""The espeak-ng shared library through ctypes (espeak-ng src/include/espeak-ng/speak_lib.h).

The library keeps one global state per process, so it is loaded once and spoken through under a lock.
"""

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deployments.contracts.errors import EngineFailed
from deployments.engines.languages import primary_tag

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth returns when all is spoken, sound goes to the callback
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: an error is returned instead of ending the process
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _VOLUME = 1, 2  # espeak_PARAMETER
_CALLBACK_MS = 100
_TRIAL_WORDS_PER_MINUTE, _TRIAL_S, _BYTES_PER_SAMPLE = 450, 0.2, 2
_GO_ON, _STOP = 0, 1


class _VoiceStruct(ctypes.Structure):
    """espeak_VOICE. ``languages`` is a list of (priority byte, zero-terminated tag), ended by a zero byte."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """``tag`` is the espeak language name ("ru", "en-gb"), ``name`` its English name. ``identifier`` is the one name by
    which the library finds every voice ("gmw/en"): it does not know all tags that it lists."""

    tag: str
    name: str
    identifier: str


class EspeakLibrary:
    """Opens the library; ``rate`` is its sampling rate in Hz. Raises EngineFailed."""

    def __init__(self, library_path: str, data_path: str) -> None:
        self._lock = threading.Lock()
        self._data = Path(data_path)
        try:
            self._library = ctypes.CDLL(library_path)
        except OSError as error:
            raise EngineFailed(f"cannot load espeak-ng: {error}") from error
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceStruct))
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, _CALLBACK_MS, data_path.encode(), _DONT_EXIT))
        if self.rate <= 0:
            raise EngineFailed(f"espeak-ng does not start with the data in {data_path}")

    def voices(self) -> tuple[EspeakVoice, ...]:
        """One voice per language tag, in the order of the library; those that lack their dictionary are left out."""
        return tuple(voice for voice in self._listed() if self._has_dictionary(voice) or self._is_heard(voice))

    def _listed(self) -> tuple[EspeakVoice, ...]:
        with self._lock:
            listed = self._library.espeak_ListVoices(None)
            found: dict[str, EspeakVoice] = {}
            index = 0
            while listed[index]:
                voice = listed[index].contents
                tag = _best_tag(voice)
                found.setdefault(tag, EspeakVoice(tag, voice.name.decode(), voice.identifier.decode()))
                index += 1
        return tuple(found.values())

    def _has_dictionary(self, voice: EspeakVoice) -> bool:
        return (self._data / f"{primary_tag(voice.tag)}_dict").exists()

    def _is_heard(self, voice: EspeakVoice) -> bool:
        """Some languages use the dictionary of another one."""
        sound = bytearray()

        def hear(pcm: bytes) -> bool:
            sound.extend(pcm)
            return True

        self.speak("12345", voice, _TRIAL_WORDS_PER_MINUTE, 100, hear)
        return len(sound) > self.rate * _TRIAL_S * _BYTES_PER_SAMPLE

    def speak(
        self, text: str, voice: EspeakVoice, words_per_minute: int, volume: int, on_audio: Callable[[bytes], bool]
    ) -> None:
        """Calls ``hear`` with PCM16 in blocks; a False from it ends the speech. Blocks. Raises EngineFailed."""

        def callback(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
            if not samples or count <= 0:
                return _GO_ON
            return _GO_ON if on_audio(ctypes.string_at(samples, 2 * count)) else _STOP

        native = _Callback(callback)  # kept alive until espeak_Synth is done
        data = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        with self._lock:
            self._check(self._library.espeak_SetVoiceByName(voice.identifier.encode()), f"choose the voice {voice.tag}")
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._library.espeak_SetParameter(_VOLUME, volume, 0)
            self._library.espeak_SetSynthCallback(native)
            status = self._library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _UTF8, None, None)
        self._check(status, "speak")

    def _check(self, status: int, what: str) -> None:
        if status != 0:
            raise EngineFailed(f"espeak-ng cannot {what} (status {status})")


@cache
def open_library() -> EspeakLibrary:
    """The one library of this process, from the package espeakng-loader."""
    import espeakng_loader

    return EspeakLibrary(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())


def _best_tag(voice: _VoiceStruct) -> str:
    """The first tag: the library puts the best one first."""
    data = bytearray()
    offset = 1
    while (byte := voice.languages[offset]) != b"\0":
        data += byte
        offset += 1
    return data.decode().lower()
