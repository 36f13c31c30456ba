"""The five builtin speech presets. They are code and cannot be changed."""

from deployments.contracts.voice_settings import Preset, PresetParams


def _preset(name: str, display_name: str, *values: float) -> Preset:
    """``values``: temperature, repetition penalty, top_k, top_p, speed, gpt_cond_len, gpt_cond_chunk_len."""
    fields = zip(PresetParams.model_fields, values, strict=True)
    return Preset(name=name, display_name=display_name, params=PresetParams.model_validate(dict(fields)), builtin=True)


BUILTIN_PRESETS = (
    _preset("neutral", "Нейтральный", 0.70, 5.0, 50, 0.85, 1.00, 12, 4),
    _preset("warm", "Тёплый", 0.85, 3.0, 60, 0.90, 0.95, 15, 5),
    _preset("energetic", "Энергичный", 0.90, 2.5, 70, 0.92, 1.10, 10, 3),
    _preset("calm", "Спокойный", 0.50, 6.0, 40, 0.80, 0.90, 18, 6),
    _preset("natural", "Естественный", 0.75, 4.0, 55, 0.88, 0.98, 20, 5),
)
