"""Variables in the prompts of personas: ``{{company}}`` is replaced by a text. Pure functions."""

import re
from collections.abc import Collection, Mapping

BUILT_IN_VARIABLES = ("name", "date", "time", "weekday")
"""Variables of every prompt: the name of the persona, the local date, time and day of the week."""

_VARIABLE = re.compile(r"\{\{([^{}]{0,100})\}\}")


def unknown_variables(prompt: str, known: Collection[str]) -> tuple[str, ...]:
    """The variables of ``prompt`` that are not ``known``, each once. Everything in double braces is a variable."""
    return tuple(dict.fromkeys(name for each in _VARIABLE.findall(prompt) if (name := each.strip()) not in known))


def fill_variables(prompt: str, values: Mapping[str, str]) -> str:
    """``prompt`` with ``values`` in the place of its variables. Unknown variables stay; values are not expanded."""
    return _VARIABLE.sub(lambda found: values.get(found[1].strip(), found[0]), prompt)
