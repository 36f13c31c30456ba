"""The FAQ entries and personas of a new installation."""

from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.persona import Persona

_LANGUAGES = ("ru", "en")


def faq() -> tuple[FaqEntry, ...]:
    """The FAQ entries of every seed language."""
    entries = TypeAdapter(tuple[FaqEntry, ...])
    return tuple(
        entry.model_copy(update={"language": language})
        for language in _LANGUAGES
        for entry in entries.validate_python(_read(f"faq.{language}.yaml"))
    )


@cache
def personas() -> tuple[Persona, ...]:
    """The built-in personas."""
    return TypeAdapter(tuple[Persona, ...]).validate_python(_read("personas.yaml"))


def _read(name: str) -> object:
    content: object = yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return content
