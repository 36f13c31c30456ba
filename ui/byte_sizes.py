"""Sizes, rates and remaining times in the language of the user."""

from ui.formatting import format_number
from ui.translations import Translator

_UNITS = ("models.unit_b", "models.unit_kb", "models.unit_mb", "models.unit_gb", "models.unit_tb")


def format_bytes(size: float, t: Translator) -> str:
    """A size with about three significant digits, in steps of 1,024: "1.24 GB"."""
    step = 0
    while size >= 1_000 and step < len(_UNITS) - 1:
        size, step = size / 1_024, step + 1
    digits = 0 if step == 0 or size >= 100 else 1 if size >= 10 else 2
    return t(_UNITS[step], value=format_number(size, digits, t))
