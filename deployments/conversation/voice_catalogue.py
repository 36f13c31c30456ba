"""Selects the voice of a speech request: the named voice, else one that fits the language."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from deployments.contracts.engines import RemoteVoices, SpeechEngine
from deployments.contracts.errors import LanguageNotSupported, VoiceNotFound
from deployments.contracts.persona import Persona
from deployments.contracts.settings import Settings
from deployments.contracts.speech import OPENAI_VOICES, Voice
from deployments.contracts.voice_settings import VoiceSettings
from deployments.text.language import detect_language


class VoiceCatalogue:
    """The voices of all speech engines. ``choices`` returns the stored voice settings; disabled voices are not listed
    and not used."""

    def __init__(
        self, engines: Sequence[SpeechEngine], choices: Callable[[], tuple[VoiceSettings, ...]] = lambda: ()
    ) -> None:
        self._engines = engines
        self._choices = choices

    def installed(self) -> tuple[Voice, ...]:
        """Every voice as its engine describes it."""
        return tuple(voice for engine in self._engines for voice in engine.voices())

    def all(self) -> tuple[Voice, ...]:
        """The enabled voices, with their configured names."""
        choices = self._choices()
        return enabled_voices(self.installed(), choices) if choices else self.installed()

    def engine_of(self, voice: Voice) -> SpeechEngine:
        """The engine that lists ``voice``, or did so earlier. Raises VoiceNotFound, Unavailable."""
        for engine in self._engines:
            if any(v.id == voice.id for v in engine.voices()):
                return engine
        for engine in self._engines:
            if isinstance(engine, RemoteVoices) and engine.recall_voice(voice.id):
                return engine
        self._check_loaded()
        raise VoiceNotFound(f"voice {voice.id!r} is no longer available", param="voice")

    def find(self, voice_id: str | None) -> Voice | None:
        """The voice with the id ``voice_id``. None for no id, "default" and the OpenAI voice names.

        Also finds a voice whose engine is not loaded now: the engine then says why. Raises Unavailable while engines
        are being loaded, and VoiceNotFound, which lists some voices.
        """
        if not voice_id or voice_id in OPENAI_VOICES or voice_id == "default":
            return None
        voices = self.all()
        if found := next((v for v in voices if v.id == voice_id), None):
            return found
        is_disabled = any(choice.id == voice_id and not choice.enabled for choice in self._choices())
        if not is_disabled:
            if recalled := self._recall(voice_id):
                return recalled
            self._check_loaded()
        examples = ", ".join(v.id for v in _neural_first(voices)[:8]) or "none is installed"
        problem = f"voice {voice_id!r} is disabled" if is_disabled else f"unknown voice {voice_id!r}"
        raise VoiceNotFound(f"{problem}; available: {examples}", param="voice")

    def _recall(self, voice_id: str) -> Voice | None:
        remote = (engine for engine in self._engines if isinstance(engine, RemoteVoices))
        return next((voice for engine in remote if (voice := engine.recall_voice(voice_id))), None)

    def _check_loaded(self) -> None:
        for engine in self._engines:
            if isinstance(engine, RemoteVoices):
                engine.check_voices_loaded()

    def for_language(self, language: str, settings: Settings, persona: Persona | None = None) -> Voice:
        """See ``select_voice``. Raises Unavailable while a voice for ``language`` may be missing."""
        try:
            return select_voice(language, self.all(), settings, persona)
        except LanguageNotSupported:
            self._check_loaded()
            raise

    def for_text(
        self, text: str, preferred: str, settings: Settings, persona: Persona | None = None
    ) -> tuple[Voice, str]:
        """The voice for the language of ``text``, and that language. Falls back to ``preferred`` when no voice speaks
        it. Raises LanguageNotSupported when no voice speaks ``preferred`` either."""
        language = detect_language(text, preferred)
        try:
            return self.for_language(language, settings, persona), language
        except LanguageNotSupported:
            return self.for_language(preferred, settings, persona), preferred


def enabled_voices(voices: Iterable[Voice], choices: Iterable[VoiceSettings]) -> tuple[Voice, ...]:
    """The enabled ``voices``, with their configured names."""
    known = {choice.id: choice for choice in choices}
    chosen = ((voice, known.get(voice.id)) for voice in voices)
    return tuple(
        voice if choice is None else replace(voice, name=choice.name or voice.name)
        for voice, choice in chosen
        if choice is None or choice.enabled
    )


def select_voice(language: str, voices: Iterable[Voice], settings: Settings, persona: Persona | None = None) -> Voice:
    """The voice of the persona, else the default voice of the language, else the best of ``voices`` that speaks it.
    Raises LanguageNotSupported."""
    by_id = {v.id: v for v in voices}
    preferred = (persona.voices.get(language) if persona else None, settings.speech.default_voices.get(language))
    for voice_id in preferred:
        if voice_id and voice_id in by_id:
            return by_id[voice_id]
    speakers = [v for v in by_id.values() if language in v.languages]
    if not speakers:
        raise LanguageNotSupported(f"no voice speaks {language!r}; see GET /v1/audio/voices", param="voice")
    return min(_neural_first(speakers), key=lambda v: (not v.neural, v.languages.index(language)))


def _neural_first(voices: Iterable[Voice]) -> list[Voice]:
    return sorted(voices, key=lambda v: (not v.neural, v.id))
