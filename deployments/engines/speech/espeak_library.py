"""Calls the espeak-ng shared library through ctypes (espeak-ng src/include/espeak-ng/speak_lib.h).

The library has one global state per process. It is loaded once, and a lock serialises the calls.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deployments.contracts.errors import EngineFailed
from deployments.engines.languages import primary_tag

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth returns after the last call of the callback
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: return an error instead of exiting the process
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _VOLUME = 1, 2  # espeak_PARAMETER
_CALLBACK_MS = 100
_TRIAL_WORDS_PER_MINUTE, _TRIAL_S, _BYTES_PER_SAMPLE = 450, 0.2, 2
_CONTINUE, _STOP = 0, 1
_LAST_EVENT, _WORD = 0, 1  # espeakEVENT_LIST_TERMINATED, espeakEVENT_WORD


class _VoiceStruct(ctypes.Structure):
    """espeak_VOICE. ``languages`` is a list of (priority byte, null-terminated tag), ended by a zero byte."""

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


class _EventStruct(ctypes.Structure):
    """espeak_EVENT. ``text_position`` counts characters from 1."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_uint64),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EventStruct))


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """``tag`` is the espeak language name ("ru", "en-gb"), ``name`` its English name.

    ``identifier`` ("gmw/en") selects the voice. The library does not accept all tags that it lists.
    """

    tag: str
    name: str
    identifier: str


class EspeakLibrary:
    """The loaded library. ``rate`` is its sampling rate in Hz. The constructor raises EngineFailed."""

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
        """One voice per language tag, in the order of the library, without voices whose dictionary is missing."""
        return tuple(voice for voice in self._all_voices() if self._has_dictionary(voice) or self._is_audible(voice))

    def _all_voices(self) -> tuple[EspeakVoice, ...]:
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

    def _is_audible(self, voice: EspeakVoice) -> bool:
        """Tests a voice without a dictionary of its own: some languages use that of another language."""
        audio = bytearray()

        def on_audio(pcm: bytes, position: int) -> bool:
            audio.extend(pcm)
            return True

        self.speak("12345", voice, _TRIAL_WORDS_PER_MINUTE, 100, on_audio)
        return len(audio) > self.rate * _TRIAL_S * _BYTES_PER_SAMPLE

    def speak(
        self, text: str, voice: EspeakVoice, words_per_minute: int, volume: int, on_audio: Callable[[bytes, int], bool]
    ) -> None:
        """Calls ``on_audio`` with blocks of PCM16 until it returns False, each with the position in ``text`` of the
        word that is spoken at its end. Blocks the thread. Raises EngineFailed."""
        position = 0

        def callback(
            samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_EventStruct]"
        ) -> int:
            nonlocal position
            position = max([position, *_word_positions(events)])
            if not samples or count <= 0:
                return _CONTINUE
            return _CONTINUE if on_audio(ctypes.string_at(samples, 2 * count), position) else _STOP

        native = _Callback(callback)  # referenced until espeak_Synth returns
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


def _word_positions(events: "ctypes._Pointer[_EventStruct]") -> Iterator[int]:
    index = 0
    while events and events[index].type != _LAST_EVENT:
        if events[index].type == _WORD:
            yield events[index].text_position - 1
        index += 1


@cache
def open_library() -> EspeakLibrary:
    """The library of the package espeakng-loader, loaded once per process."""
    import espeakng_loader

    return EspeakLibrary(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())


def _best_tag(voice: _VoiceStruct) -> str:
    """The first tag, which has the highest priority."""
    data = bytearray()
    offset = 1
    while (byte := voice.languages[offset]) != b"\0":
        data += byte
        offset += 1
    return data.decode().lower()
