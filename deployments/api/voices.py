"""Which voice a request means."""

from deployments.contracts.errors import VoiceNotFound
from deployments.contracts.speech import OPENAI_VOICES, Voice
from deployments.text.language import detect_language

_SHOWN = 8


def voice_id_for(name: str, voices: tuple[Voice, ...]) -> str | None:
    """The id of the voice called ``name`` (its id, or its name in any case); None leaves the choice to the language.

    Raises VoiceNotFound, naming some that exist.
    """
    for voice in voices:
        if voice.id == name:
            return voice.id
    wanted = name.casefold()
    for voice in voices:
        if wanted in (voice.name.casefold(), voice.id.casefold()):
            return voice.id
    if wanted in OPENAI_VOICES:
        return None
    known = ", ".join(voice.id for voice in voices[:_SHOWN]) or "none"
    raise VoiceNotFound(f"There is no voice {name!r} here; some that exist: {known}.", param="voice")


def voice_of_engine(engine: str, text: str, voices: tuple[Voice, ...], default_language: str) -> str | None:
    """The voice of ``engine`` that suits ``text`` best; None when the engine has none."""
    language = detect_language(text, default_language)
    own = [voice for voice in voices if voice.engine == engine]
    fitting = [voice for voice in own if language in voice.languages]
    return next((voice.id for voice in (*fitting, *own)), None)
