"""Voice selection by name, engine and language."""

from deployments.contracts.errors import VoiceNotFound
from deployments.contracts.speech import OPENAI_VOICES, Voice
from deployments.text.language import detect_language

_MAX_LISTED = 8


def voice_id_for(name: str, voices: tuple[Voice, ...]) -> str | None:
    """The id of the voice with this id or name (case-insensitive). None for OpenAI's voice names: the language decides.

    Raises VoiceNotFound, which lists some voices.
    """
    for voice in voices:
        if voice.id == name:
            return voice.id
    folded = name.casefold()
    for voice in voices:
        if folded in (voice.name.casefold(), voice.id.casefold()):
            return voice.id
    if folded in OPENAI_VOICES:
        return None
    known = ", ".join(voice.id for voice in voices[:_MAX_LISTED]) or "none"
    raise VoiceNotFound(f"Unknown voice {name!r}; available voices: {known}.", param="voice")


def voice_of_engine(engine: str, text: str, voices: tuple[Voice, ...], default_language: str) -> str | None:
    """The voice of ``engine`` for the language of ``text``, or its first voice; None when it has no voices."""
    language = detect_language(text, default_language)
    candidates = [voice for voice in voices if voice.engine == engine]
    matching = [voice for voice in candidates if language in voice.languages]
    return next((voice.id for voice in (*matching, *candidates)), None)
