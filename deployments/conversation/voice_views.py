"""Voices as people see them: what an engine has, and what was set for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.contracts.errors import InvalidRequest, SecretaryError, VoiceNotFound
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.contracts.voice_settings import VoiceSettings
from deployments.conversation.voice_catalogue import consent_missing, may_speak, select_voice, usable_voices


@dataclass(frozen=True, slots=True)
class VoiceView:
    """``name`` is the configured name, ``engine_name`` that of the engine. ``available``: enabled, and consented to if
    it is ``cloned``. ``pronunciations``: the number of entries of its dictionary. ``version`` is that of its settings,
    0 when there are none."""

    id: str
    name: str
    engine_name: str
    description: str
    engine: str
    languages: tuple[str, ...]
    rate: int
    neural: bool
    enabled: bool
    available: bool
    default_for: tuple[str, ...]
    preset: str
    cloned: bool
    pronunciations: int
    version: int


def voice_view(voice: Voice, snapshot: Snapshot) -> VoiceView:
    choice = stored_voice_settings(voice.id, snapshot)
    defaults = snapshot.settings.speech.default_voices
    return VoiceView(
        id=voice.id,
        name=choice.name or voice.name,
        engine_name=voice.name,
        description=choice.description,
        engine=voice.engine,
        languages=voice.languages,
        rate=voice.rate,
        neural=voice.neural,
        enabled=choice.enabled,
        available=choice.enabled and may_speak(voice, snapshot),
        default_for=tuple(language for language, name in defaults.items() if name == voice.id),
        preset=choice.preset,
        cloned=voice.cloned,
        pronunciations=len(choice.pronunciations),
        version=choice.version,
    )


def stored_voice_settings(voice_id: str, snapshot: Snapshot) -> VoiceSettings:
    """What was set for a voice; version 0 when nothing was."""
    return snapshot.voice_settings(voice_id) or VoiceSettings(id=voice_id, version=0)


def speaking_voice(language: str, voices: Iterable[Voice], snapshot: Snapshot) -> Voice | None:
    """The voice that speaks ``language`` when nobody names one; None when no voice does."""
    try:
        return select_voice(language, usable_voices(voices, snapshot), snapshot.settings, snapshot.persona(None))
    except SecretaryError:
        return None


def require_usable(voice: Voice, snapshot: Snapshot) -> None:
    """Raises VoiceNotFound for a voice that is switched off, VoiceConsentMissing for one that may not speak."""
    if not stored_voice_settings(voice.id, snapshot).enabled:
        raise VoiceNotFound(f"voice {voice.id!r} is switched off", param="voice")
    if not may_speak(voice, snapshot):
        raise consent_missing(voice.id, snapshot)


def with_default_voice(settings: Settings, voice: Voice, language: str | None = None) -> Settings:
    """``settings`` with ``voice`` as the default one of ``language``, which is its first one if none is named. Raises
    InvalidRequest for a language that it does not speak."""
    language = language or voice.languages[0]
    if language not in voice.languages:
        raise InvalidRequest(f"voice {voice.id!r} does not speak {language!r}", param="language")
    return _with_defaults(settings, {**settings.speech.default_voices, language: voice.id})


def without_default_voice(settings: Settings, language: str) -> Settings:
    """``settings`` in which the best voice of ``language`` is chosen."""
    return _with_defaults(
        settings, {code: name for code, name in settings.speech.default_voices.items() if code != language}
    )


def _with_defaults(settings: Settings, voices: dict[str, str]) -> Settings:
    return settings.model_copy(update={"speech": settings.speech.model_copy(update={"default_voices": voices})})
