"""What a new installation knows before anybody has taught it anything."""

from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from deployments.contracts.settings import FaqEntry, Persona

_LANGUAGES = ("ru", "en")


def faq() -> tuple[FaqEntry, ...]:
    """The prepared answers of every seed language."""
    entries = TypeAdapter(tuple[FaqEntry, ...])
    per_language = ((language, entries.validate_python(_read(f"faq.{language}.yaml"))) for language in _LANGUAGES)
    return tuple(entry.model_copy(update={"language": language}) for language, part in per_language for entry in part)


@cache
def personas() -> tuple[Persona, ...]:
    return TypeAdapter(tuple[Persona, ...]).validate_python(_read("personas.yaml"))


def _read(name: str) -> object:
    content: object = yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return content
