"""Names of languages for people."""

from ui.translations import Translator


def language_name(code: str, t: Translator) -> str:
    """For example "Russian"; the code in capital letters for a language without a name here."""
    key = f"language_name.{code}"
    return t(key) if t.has(key) else code.upper()
