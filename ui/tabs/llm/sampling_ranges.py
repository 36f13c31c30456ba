"""The parameters of a model with the ranges of the settings, in words of the translations."""

from dataclasses import dataclass

from annotated_types import Ge, Gt, Le

from deployments.contracts.settings import LlmSettings


@dataclass(frozen=True, slots=True)
class Parameter:
    """``title`` and ``meaning`` are keys of translations; ``low`` and ``high`` say what small and large values do."""

    name: str
    title: str
    meaning: str
    low: str
    high: str
    step: float
    least: float
    most: float
    default: float


def _parameter(name: str, step: float, title: str, meaning: str, low: str, high: str) -> Parameter:
    field = LlmSettings.model_fields[name]
    least = next(
        bound.ge if isinstance(bound, Ge) else bound.gt for bound in field.metadata if isinstance(bound, Ge | Gt)
    )
    exclusive = any(isinstance(bound, Gt) for bound in field.metadata)
    most = next(bound.le for bound in field.metadata if isinstance(bound, Le))
    start = float(str(least)) + (step if exclusive else 0)
    return Parameter(name, title, meaning, low, high, step, start, float(str(most)), float(field.default))


SAMPLING = (
    _parameter("temperature", 0.05, "param.temperature", "param.temperature_meaning", "param.exact", "param.free"),
    _parameter("max_tokens", 64, "param.max_tokens", "param.max_tokens_meaning", "param.short", "param.long"),
    _parameter("top_p", 0.05, "param.top_p", "param.top_p_meaning", "param.plain", "param.varied"),
    _parameter(
        "repetition_penalty",
        0.05,
        "param.repetition_penalty",
        "param.repetition_penalty_meaning",
        "param.repeats",
        "param.avoids",
    ),
)
