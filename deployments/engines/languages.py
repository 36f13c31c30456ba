"""BCP 47 language tags."""


def primary_tag(language: str) -> str:
    """The primary subtag of a BCP 47 tag: ``en`` of ``en-GB`` or ``en_GB``."""
    return language.replace("_", "-").partition("-")[0].lower()
