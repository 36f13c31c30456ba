"""Names and explanations of presets and of their parameters, in words for people."""

from deployments.contracts.voice_settings import Preset
from ui.translations import Translator

_BUILTIN = {
    "neutral": ("voices.preset_neutral", "voices.preset_about_neutral"),
    "warm": ("voices.preset_warm", "voices.preset_about_warm"),
    "energetic": ("voices.preset_energetic", "voices.preset_about_energetic"),
    "calm": ("voices.preset_calm", "voices.preset_about_calm"),
    "natural": ("voices.preset_natural", "voices.preset_about_natural"),
}
PARAMETERS = {
    "speed": ("voices.param_speed", "voices.param_speed_hint"),
    "temperature": ("voices.param_temperature", "voices.param_temperature_hint"),
    "repetition_penalty": ("voices.param_repetition", "voices.param_repetition_hint"),
    "top_k": ("voices.param_top_k", "voices.param_top_k_hint"),
    "top_p": ("voices.param_top_p", "voices.param_top_p_hint"),
    "gpt_cond_len": ("voices.param_listen", "voices.param_listen_hint"),
    "gpt_cond_chunk_len": ("voices.param_pieces", "voices.param_pieces_hint"),
}
"""Parameter -> key of its name and of its explanation."""


def preset_name(preset: Preset, t: Translator) -> str:
    if preset.builtin and preset.name in _BUILTIN:
        return t(_BUILTIN[preset.name][0])
    return preset.display_name or preset.name


def preset_text(preset: Preset, t: Translator) -> str:
    if preset.builtin and preset.name in _BUILTIN:
        return t(_BUILTIN[preset.name][1])
    return t("voices.preset_about_own")
