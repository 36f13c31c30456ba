"""Voice selection by name, engine and language."""

from deployments.contracts.engines import Assistant
from deployments.contracts.speech import OPENAI_VOICES, Voice
from deployments.text.language import detect_language


def voice_id_for(name: str, assistant: Assistant) -> str | None:
    """The id of the voice with this id or name (case-insensitive). None for OpenAI's voice names: the language decides.

    Raises VoiceNotFound, which lists some voices, and Unavailable while the voice may belong to an engine that is being
    loaded.
    """
    voices = assistant.voices()
    for voice in voices:
        if voice.id == name:
            return voice.id
    folded = name.casefold()
    for voice in voices:
        if folded in (voice.name.casefold(), voice.id.casefold()):
            return voice.id
    if folded in OPENAI_VOICES:
        return None
    found = assistant.find_voice(name)
    return found.id if found else None


def voice_of_engine(engine: str, text: str, voices: tuple[Voice, ...], default_language: str) -> str | None:
    """The voice of ``engine`` for the language of ``text``, or its first voice; None when it has no voices."""
    language = detect_language(text, default_language)
    candidates = [voice for voice in voices if voice.engine == engine]
    matching = [voice for voice in candidates if language in voice.languages]
    return next((voice.id for voice in (*matching, *candidates)), None)
