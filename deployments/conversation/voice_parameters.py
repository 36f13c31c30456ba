"""How a text is spoken: the voice, the language, and the parameters of the speech preset."""

from dataclasses import dataclass

from deployments.contracts.audio import AudioFormat
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.contracts.voice_settings import Preset, PresetParams, Pronunciation

_MIN_SPEED, _MAX_SPEED = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class VoiceParameters:
    """The voice, language and speed of a text. ``preset`` are the parameters of the speech preset, whose speed is
    already a factor of ``speed``. ``pronunciations`` is the dictionary of the voice, in all languages. Audio that is
    ready in ``line_format`` is given in it."""

    voice: Voice
    language: str
    speed: float = 1.0
    preset: PresetParams | None = None
    pronunciations: tuple[Pronunciation, ...] = ()
    line_format: AudioFormat | None = None


def voice_parameters(
    voice: Voice,
    language: str,
    snapshot: Snapshot,
    speed: float = 1.0,
    preset: str | None = None,
    params: PresetParams | None = None,
) -> VoiceParameters:
    """The speed is ``speed`` times the speed setting times that of the preset, clamped to 0.25..4. The preset is
    ``preset``, else the preset of the voice, else the default one; ``params`` take the place of its parameters. Raises
    InvalidRequest for an unknown ``preset``."""
    if params is None:
        found = _find_preset(voice, snapshot, preset)
        params = found.params if found else None
    factor = params.speed if params else 1.0
    rate = min(_MAX_SPEED, max(_MIN_SPEED, speed * snapshot.settings.speech.speed * factor))
    choice = snapshot.voice_settings(voice.id)
    return VoiceParameters(voice, language, rate, params, choice.pronunciations if choice else ())


def _find_preset(voice: Voice, snapshot: Snapshot, preset: str | None) -> Preset | None:
    choice = snapshot.voice_settings(voice.id)
    names = (preset, choice.preset if choice else "", snapshot.settings.speech.default_preset)
    found = snapshot.preset(next((name for name in names if name), ""))
    if preset and found is None:
        known = ", ".join(each.name for each in snapshot.presets) or "none"
        raise InvalidRequest(f"unknown speech preset {preset!r}; available: {known}", param="preset")
    return found
