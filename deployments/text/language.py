"""Which language a text is in, by its letters. Enough to choose between the Russian and the English voice."""


def detect_language(text: str, default: str = "en") -> str:
    """ "ru" for mostly Cyrillic letters, "en" for mostly Latin ones, ``default`` without letters or at a draw."""
    cyrillic = sum("а" <= letter <= "я" or letter == "ё" for letter in text.lower())
    latin = sum("a" <= letter <= "z" for letter in text.lower())
    if cyrillic == latin:
        return default
    return "ru" if cyrillic > latin else "en"
