"""Selects the voice of a speech request: the named voice, else one that fits the language."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace

from deployments.contracts.engines import RemoteVoices, SpeechEngine
from deployments.contracts.errors import LanguageNotSupported, Unavailable, VoiceConsentMissing, VoiceNotFound
from deployments.contracts.persona import Persona
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import OPENAI_VOICES, Voice
from deployments.text.language import detect_language

_EMPTY = Snapshot()


class VoiceCatalogue:
    """The voices of all speech engines. Disabled voices, and cloned ones without a valid consent in the current
    ``snapshot``, are not listed and not used. ``ready`` returns the voices of ready phrases: they are found, but not
    listed, while no engine has them."""

    def __init__(
        self,
        engines: Sequence[SpeechEngine],
        snapshot: Callable[[], Snapshot] = lambda: _EMPTY,
        ready: Callable[[], tuple[Voice, ...]] = lambda: (),
    ) -> None:
        self._engines = engines
        self._snapshot = snapshot
        self._ready = ready
        self._assumed: tuple[Voice, ...] | None = None

    def assuming(self, voices: tuple[Voice, ...]) -> "VoiceCatalogue":
        """This catalogue as it is when the engines have ``voices``."""
        catalogue = copy(self)
        catalogue._assumed = voices
        return catalogue

    def installed(self) -> tuple[Voice, ...]:
        """Every voice as its engine describes it; a voice of several engines is that of the first one."""
        if self._assumed is not None:
            return self._assumed
        listed: dict[str, Voice] = {}
        for engine in self._engines:
            for voice in engine.voices():
                listed.setdefault(voice.id, voice)
        return tuple(listed.values())

    def all(self) -> tuple[Voice, ...]:
        """The voices that may speak, with their configured names."""
        return usable_voices(self.installed(), self._snapshot())

    def require_consent(self, voice: Voice) -> None:
        """Raises VoiceConsentMissing for a cloned voice without a valid consent."""
        if not may_speak(voice, self._snapshot()):
            raise consent_missing(voice.id, self._snapshot())

    def engine_of(self, voice: Voice) -> SpeechEngine:
        """The engine that lists ``voice``, or did so earlier. Raises VoiceNotFound, Unavailable."""
        for engine in self._engines:
            if any(v.id == voice.id for v in engine.voices()):
                return engine
        for engine in self._engines:
            if isinstance(engine, RemoteVoices) and engine.recall_voice(voice.id):
                return engine
        self._check_loaded()
        if any(v.id == voice.id for v in self._ready()):
            raise Unavailable(f"no engine has the voice {voice.id!r} now; it speaks only what is ready")
        raise VoiceNotFound(f"voice {voice.id!r} is no longer available", param="voice")

    def substitutes(
        self, voice: Voice, language: str, named: str | None = None
    ) -> tuple[list[tuple[Voice, SpeechEngine]], list[tuple[Voice, SpeechEngine]]]:
        """Who can go on when ``voice`` breaks off: of each other engine the first voice that speaks ``language``, those
        after the engine of ``voice`` in the order of the graph and those before it. The voice ``named`` comes first,
        then ``voice`` itself by other engines. A cloned voice speaks by its name only."""
        own, seen = -1, dict[tuple[int, str], tuple[Voice, SpeechEngine] | None]()

        def rank(other: Voice) -> int:
            return (named, voice.id).index(other.id) if other.id in (named, voice.id) else 2

        for number, engine in enumerate(self._engines):
            for other in usable_voices(engine.voices(), self._snapshot()):
                found = seen.setdefault((number, other.engine))
                if other.id == voice.id and own < 0:
                    own = list(seen).index((number, other.engine))
                speaks = language in other.languages and (not other.cloned or rank(other) < 2)
                if speaks and (found is None or rank(other) < rank(found[0])):
                    seen[number, other.engine] = other, engine
        places = [(position, found) for position, found in enumerate(seen.values()) if found and position != own]
        later = [found for position, found in places if position > own or found[0].id == named]
        earlier = [found for position, found in places if position < own and found[0].id != named]
        return sorted(later, key=lambda found: rank(found[0])), earlier

    def find(self, voice_id: str | None) -> Voice | None:
        """The voice with the id ``voice_id``. None for no id, "default" and the OpenAI voice names.

        Also finds a voice whose engine is not loaded now: the engine then says why. Raises Unavailable while engines
        are being loaded, VoiceConsentMissing, and VoiceNotFound, which lists some voices.
        """
        if not voice_id or voice_id in OPENAI_VOICES or voice_id == "default":
            return None
        voices = self.all()
        if found := next((v for v in voices if v.id == voice_id), None):
            return found
        choice = self._snapshot().voice_settings(voice_id)
        is_disabled = choice is not None and not choice.enabled
        if not is_disabled:
            for voice in self.installed():
                if voice.id == voice_id:
                    self.require_consent(voice)
            if recalled := self._recall(voice_id):
                self.require_consent(recalled)
                return recalled
            if ready := next((v for v in self._ready() if v.id == voice_id), None):
                self.require_consent(ready)
                return ready
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
        """See ``select_voice``. When no listed voice speaks ``language``, one of ready phrases is taken. Raises
        Unavailable while a voice for ``language`` may be missing."""
        try:
            return select_voice(language, self.all(), settings, persona)
        except LanguageNotSupported:
            with suppress(LanguageNotSupported):
                return select_voice(language, usable_voices(self._ready(), self._snapshot()), settings, persona)
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


def usable_voices(voices: Iterable[Voice], snapshot: Snapshot) -> tuple[Voice, ...]:
    """Those of ``voices`` that are enabled, and have a valid consent if they are cloned; with their configured
    names."""
    known, consented = {choice.id: choice for choice in snapshot.voices}, snapshot.consented_voices()
    chosen = ((voice, known.get(voice.id)) for voice in voices if not voice.cloned or voice.id in consented)
    return tuple(
        voice if choice is None else replace(voice, name=choice.name or voice.name)
        for voice, choice in chosen
        if choice is None or choice.enabled
    )


def may_speak(voice: Voice, snapshot: Snapshot) -> bool:
    """Whether ``voice`` is not cloned, or its person consents."""
    return not voice.cloned or voice.id in snapshot.consented_voices()


def consent_missing(voice_id: str, snapshot: Snapshot) -> VoiceConsentMissing:
    """The error of a cloned voice that may not speak: its consent is revoked, or there is none."""
    given = next((consent for consent in snapshot.voice_consents if voice_id in consent.voices), None)
    revoked = given.revoked_at if given else None
    problem = f"the consent to it was revoked on {revoked:%Y-%m-%d}" if revoked else "nobody has consented to it"
    remedy = f"PUT /admin/voices/cloned/{voice_id}/consent"
    return VoiceConsentMissing(
        f"the voice {voice_id!r} is cloned, and {problem}: record the consent of its person with "
        f"POST /admin/voices/consents, then {remedy}",
        param="voice",
        remedy=remedy,
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
