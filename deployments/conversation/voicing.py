"""Which voice speaks: the named one, else the one that suits the language."""

from collections.abc import Iterable, Sequence

from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import LanguageNotSupported, VoiceNotFound
from deployments.contracts.settings import Persona, Settings
from deployments.contracts.speech import OPENAI_VOICES, Voice


class Voices:
    """All voices of all speech engines, and the rule that picks one."""

    def __init__(self, engines: Sequence[SpeechEngine]) -> None:
        self._engines = engines

    def all(self) -> tuple[Voice, ...]:
        return tuple(voice for engine in self._engines for voice in engine.voices())

    def engine_of(self, voice: Voice) -> SpeechEngine:
        for engine in self._engines:
            if any(v.id == voice.id for v in engine.voices()):
                return engine
        raise VoiceNotFound(f"voice {voice.id!r} has just gone", param="voice")

    def named(self, voice_id: str | None) -> Voice | None:
        """The voice called ``voice_id``; None when none is asked for. Raises VoiceNotFound naming some that exist."""
        if not voice_id or voice_id in OPENAI_VOICES or voice_id == "default":
            return None
        voices = self.all()
        found = next((v for v in voices if v.id == voice_id), None)
        if found is None:
            some = ", ".join(v.id for v in _neural_first(voices)[:8]) or "none is installed"
            raise VoiceNotFound(f"unknown voice {voice_id!r}; some that exist: {some}", param="voice")
        return found

    def for_language(self, language: str, settings: Settings, persona: Persona | None = None) -> Voice:
        """Persona's voice, then the default of the language, then the best one that speaks it."""
        voices = {v.id: v for v in self.all()}
        wishes = (persona.voices.get(language) if persona else None, settings.speech.default_voices.get(language))
        for wish in wishes:
            if wish and wish in voices:
                return voices[wish]
        speakers = [v for v in voices.values() if language in v.languages]
        if not speakers:
            raise LanguageNotSupported(f"no voice speaks {language!r}; see GET /v1/audio/voices", param="voice")
        return min(_neural_first(speakers), key=lambda v: (not v.neural, v.languages.index(language)))


def _neural_first(voices: Iterable[Voice]) -> list[Voice]:
    return sorted(voices, key=lambda v: (not v.neural, v.id))
