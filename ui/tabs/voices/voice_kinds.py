"""How voices are made, in words for people: what they sound like and how fast they are."""

from ui.translations import Translator

_KINDS = {
    "xtts": ("voices.kind_xtts", "voices.about_xtts"),
    "openvoice": ("voices.kind_openvoice", "voices.about_openvoice"),
    "piper": ("voices.kind_piper", "voices.about_piper"),
    "espeak": ("voices.kind_espeak", "voices.about_espeak"),
    "tone": ("voices.kind_tone", "voices.about_tone"),
}
_SAMPLES = {"ru": "voices.sample_ru", "en": "voices.sample_en"}


def kind_name(engine: str, t: Translator) -> str:
    key, _ = _KINDS.get(engine, ("", ""))
    return t(key) if key else engine


def kind_text(engine: str, t: Translator) -> str:
    _, key = _KINDS.get(engine, ("", "voices.about_other"))
    return t(key)


def sample_text(language: str, t: Translator) -> str:
    """A phrase in ``language``; in English for a language without one."""
    return t(_SAMPLES.get(language, "voices.sample_en"))
