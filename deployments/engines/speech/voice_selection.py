"""Which voice speaks: one rule for every speech engine.

A named voice is that one or an error. Otherwise the best voice of the language: neural before formant, then the voice
that puts the language first, then the order of the engine. Without a language it is read off the script of the text.
"""

from collections.abc import Iterable, Sequence

from deployments.contracts.errors import InvalidRequest, LanguageNotSupported, VoiceNotFound
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.engines.languages import primary_tag
from deployments.text.language import UNDETERMINED, detect_language

_SHOWN = 8


def choose_voice(voices: Sequence[Voice], request: SpeechRequest) -> Voice:
    """Raises VoiceNotFound, LanguageNotSupported, and InvalidRequest for a speed outside 0.25..4."""
    if not 0.25 <= request.speed <= 4:
        raise InvalidRequest(f"speed must be between 0.25 and 4, got {request.speed}", param="speed")
    if request.voice_id is not None:
        return _named(voices, request.voice_id)
    language = primary_tag(request.language) if request.language else detect_language(request.text, UNDETERMINED)
    if language == UNDETERMINED:
        return min(voices, key=lambda voice: not voice.neural)
    return _best(voices, language)


def _named(voices: Sequence[Voice], voice_id: str) -> Voice:
    for voice in voices:
        if voice.id == voice_id:
            return voice
    raise VoiceNotFound(f"no voice {voice_id!r}; there are {_some(v.id for v in voices)}", param="voice")


def _best(voices: Sequence[Voice], language: str) -> Voice:
    speakers = [voice for voice in voices if language in voice.languages]
    if not speakers:
        known = _some(dict.fromkeys(tag for voice in voices for tag in voice.languages))
        raise LanguageNotSupported(f"no voice speaks {language!r}; there are voices for {known}", param="language")
    return min(speakers, key=lambda voice: (not voice.neural, voice.languages.index(language)))


def _some(items: Iterable[str]) -> str:
    names = sorted(items)
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
