"""Translations of the panel: the files in ``i18n/{language}/``, with one key for each text, for example "chat.send".

Each page has a file of its own, named after its keys; ``shared.yaml`` has the texts of several pages.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("ru", "en")
DEFAULT_LANGUAGE = "ru"
_FOLDER = Path(__file__).parent / "i18n"
_PLURAL_FORMS = frozenset({"one", "few", "many"})

Text = str | Mapping[str, str]


@cache
def load_texts(language: str) -> Mapping[str, Text]:
    """All texts of ``language`` by key. A text with a count is a mapping of plural forms."""
    texts: dict[str, Text] = {}
    for file in sorted((_FOLDER / language).glob("*.yaml")):
        texts |= _flatten(yaml.safe_load(file.read_text(encoding="utf-8")), "")
    return texts


def _flatten(tree: Mapping[str, object], prefix: str) -> list[tuple[str, Text]]:
    flat: list[tuple[str, Text]] = []
    for key, value in tree.items():
        if isinstance(value, dict) and not value.keys() <= _PLURAL_FORMS:
            flat += _flatten(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, value if isinstance(value, dict) else str(value)))
    return flat


def plural_form(language: str, count: int) -> str:
    """The plural form for ``count`` (Unicode CLDR plural rules for integers)."""
    if language != "ru":
        return "one" if count == 1 else "many"
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    return "few" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "many"


class Translator:
    """Translates keys: ``t("chat.send")``, with values ``t("unit.ms", value=5)``, with a count
    ``t.count("faq.found", 3)``."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else DEFAULT_LANGUAGE
        self._texts = load_texts(self.language)

    def __call__(self, key: str, **values: object) -> str:
        text = self._texts[key]
        if not isinstance(text, str):
            raise TypeError(f"{key} has plural forms, use count()")
        return text.format(**values) if values else text

    def count(self, key: str, count: int, **values: object) -> str:
        """The text of ``key`` in the plural form for ``count``. The text may contain ``{count}``."""
        forms = self._texts[key]
        if isinstance(forms, str):
            raise TypeError(f"{key} has no plural forms")
        form = forms.get(plural_form(self.language, count)) or forms["many"]
        return form.format(count=count, **values)

    def has(self, key: str) -> bool:
        return key in self._texts
