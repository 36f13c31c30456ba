"""The pronunciation dictionary of a voice: whole words of a text are replaced by how they are spoken.

A text is cut into words and signs once; at each word the longest entry wins. The time is linear in the text, whatever
the size of the dictionary.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from deployments.contracts.unicode_text import composed_text
from deployments.contracts.voice_settings import Pronunciation

TOKEN = re.compile(r"\w(?:[\w\u0300-\u036f]|['’](?=\w))*|[^\w\s]")
"""A word, with accents and inner apostrophes, or one other sign. A hyphen separates words."""
MAX_TOKENS = 16
"""Of one entry."""
_MIN_GROWTH_CHARS = 1_000
_GROWTH = 4


@dataclass(slots=True)
class _Node:
    """Entries that share their first tokens. ``spoken`` ends one: [any case, exact case]."""

    next: dict[str, "_Node"] = field(default_factory=dict)
    any_case: str | None = None
    exact: dict[str, str] = field(default_factory=dict)


class PronunciationDictionary:
    """The entries for one language. Capital letters matter only to entries with ``match_case``, which win over others;
    those of the language win over those of every language; later entries win over earlier ones."""

    def __init__(self, entries: Iterable[Pronunciation]) -> None:
        self._root = _Node()
        for entry in sorted(entries, key=lambda entry: bool(entry.language)):
            self._add(entry)

    def _add(self, entry: Pronunciation) -> None:
        word = composed_text(entry.word)
        tokens, node = tokens_of(word), self._root
        for token in tokens:
            node = node.next.setdefault(token.casefold(), _Node())
        if node is self._root:
            return
        if entry.match_case:
            node.exact[" ".join(tokens)] = entry.spoken
        else:
            node.any_case = entry.spoken

    def apply(self, text: str) -> str:
        """``text`` as it is spoken. A text that grows to four times its length, and by 1,000 characters at least, keeps
        the rest of its words."""
        if not self._root.next:
            return text
        text = composed_text(text)
        found = list(TOKEN.finditer(text))
        most = max(_GROWTH * len(text), len(text) + _MIN_GROWTH_CHARS)
        parts: list[str] = []
        size = end = position = 0
        while position < len(found):
            spoken, taken = self._longest(found, position)
            if spoken is None:
                position += 1
                continue
            parts += (text[end : found[position].start()], spoken)
            size += len(parts[-1]) + len(parts[-2])
            end = found[position + taken - 1].end()
            if size + len(text) - end > most:
                break
            position += taken
        return "".join((*parts, text[end:]))

    def _longest(self, found: list[re.Match[str]], start: int) -> tuple[str | None, int]:
        """What is spoken for the longest entry at ``start``, and the number of its tokens."""
        node, best, taken = self._root, None, 0
        for offset, match in enumerate(found[start : start + MAX_TOKENS], 1):
            following = node.next.get(match[0].casefold())
            if following is None:
                break
            node = following
            spoken = node.exact.get(" ".join(each[0] for each in found[start : start + offset])) if node.exact else None
            if spoken is None:
                spoken = node.any_case
            if spoken is not None:
                best, taken = spoken, offset
        return best, taken


def tokens_of(word: str) -> list[str]:
    """The words and signs of an entry."""
    return TOKEN.findall(word)
