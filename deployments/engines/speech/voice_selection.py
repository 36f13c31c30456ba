"""Selects the voice of a speech request.

``voice_id`` selects a voice or is an error. Otherwise the language selects it: neural voices first, then the voice that
lists the language earliest, then the order of the engine. A missing language is detected from the text.
"""

from collections.abc import Iterable, Sequence

from deployments.contracts.errors import InvalidRequest, LanguageNotSupported, VoiceNotFound
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.engines.languages import primary_tag
from deployments.text.language import UNDETERMINED, detect_language

_MAX_LISTED = 8


def choose_voice(voices: Sequence[Voice], request: SpeechRequest) -> Voice:
    """Returns the voice. Raises VoiceNotFound, LanguageNotSupported, and InvalidRequest for a speed outside 0.25..4."""
    if not 0.25 <= request.speed <= 4:
        raise InvalidRequest(f"speed must be between 0.25 and 4, got {request.speed}", param="speed")
    if request.voice_id is not None:
        return _voice_by_id(voices, request.voice_id)
    language = primary_tag(request.language) if request.language else detect_language(request.text, UNDETERMINED)
    if language == UNDETERMINED:
        return min(voices, key=lambda voice: not voice.neural)
    return _voice_by_language(voices, language)


def _voice_by_id(voices: Sequence[Voice], voice_id: str) -> Voice:
    for voice in voices:
        if voice.id == voice_id:
            return voice
    raise VoiceNotFound(f"no voice {voice_id!r}; there are {_list_some(v.id for v in voices)}", param="voice")


def _voice_by_language(voices: Sequence[Voice], language: str) -> Voice:
    candidates = [voice for voice in voices if language in voice.languages]
    if not candidates:
        known = _list_some(dict.fromkeys(tag for voice in voices for tag in voice.languages))
        raise LanguageNotSupported(f"no voice speaks {language!r}; there are voices for {known}", param="language")
    return min(candidates, key=lambda voice: (not voice.neural, voice.languages.index(language)))


def _list_some(items: Iterable[str]) -> str:
    names = sorted(items)
    rest = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")
