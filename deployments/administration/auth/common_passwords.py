"""Passwords that are guessed first (OWASP ASVS 5.0, 6.2.4 and 6.2.11).

The list is that of zxcvbn (MIT licence): the 30,000 most frequent passwords of breaches, 11,600 of them long enough.
"""

from functools import lru_cache

from deployments.contracts.unicode_text import compatible_text

_CONTEXT_WORDS = frozenset(
    {"secretary", "aisecretary", "admin", "administrator", "секретарь", "админ", "администратор"}
)
_RUSSIAN_WORDS = frozenset({"пароль", "привет", "любовь", "россия", "москва", "солнышко", "наташа", "спартак"})
_KEYS = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`")
"""The same keys of a Russian and an American keyboard."""
_MIN_DISTINCT_CHARACTERS = 4
_MAX_PASSWORD_CHARS = 1_000


def is_common(password: str, username: str) -> bool:
    """Whether ``password`` is a frequent one, or little more than the name of its owner or of this program. Ignores
    case, outer spaces and the keyboard layout."""
    text = compatible_text(password, _MAX_PASSWORD_CHARS).strip().casefold()
    if len(set(text)) < _MIN_DISTINCT_CHARACTERS or text.translate(_KEYS) in _list() or text in _list():
        return True
    letters = "".join(filter(str.isalpha, text))
    owner = "".join(filter(str.isalpha, username.casefold()))
    return bool(letters) and letters in {owner, *_CONTEXT_WORDS, *_RUSSIAN_WORDS}


@lru_cache(maxsize=1)
def _list() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
