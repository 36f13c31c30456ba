"""The system prompt of a persona in one language, with its variables filled in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from deployments.contracts.persona import Persona
from deployments.contracts.prompt_variables import BUILT_IN_VARIABLES, fill_variables, unknown_variables

_WEEKDAYS = {
    "ru": ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def render_prompt(persona: Persona, language: str, time_zone: str, now: Callable[[], datetime]) -> str:
    """The prompt for ``language``, else the first one. Dates and times are those of ``time_zone``."""
    written_in = persona.prompt_language(language)
    prompt = persona.prompts.get(written_in, "")
    if "{{" not in prompt:
        return prompt
    here = now().astimezone(ZoneInfo(time_zone))
    built_in = {
        "name": persona.name,
        "date": here.date().isoformat(),
        "time": f"{here:%H:%M}",
        "weekday": _WEEKDAYS.get(written_in, _WEEKDAYS["en"])[here.weekday()],
    }
    return fill_variables(prompt, persona.variables.get(written_in, {}) | built_in)


@dataclass(frozen=True, slots=True)
class PromptPreview:
    """A prompt with its variables filled in. ``unknown_variables`` stay in braces."""

    text: str
    unknown_variables: tuple[str, ...]


def preview_prompt(persona: Persona, language: str, prompt: str, time_zone: str) -> PromptPreview:
    """``prompt`` as the prompt of ``persona`` in ``language``, rendered now."""
    changed = persona.model_copy(update={"prompts": {**persona.prompts, language: prompt}})
    text = render_prompt(changed, language, time_zone, lambda: datetime.now(UTC))
    known = (*BUILT_IN_VARIABLES, *persona.variables.get(language, {}))
    return PromptPreview(text, unknown_variables(prompt, known))
