"""The system prompt of a persona in one language, with its variables filled in."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from deployments.contracts.persona import Persona
from deployments.contracts.prompt_variables import fill_variables

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
