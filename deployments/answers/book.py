"""The book of prepared answers: what a door looks up in its own memory before anything else is asked.

Both rules work on normalised words. *exact*: the whole message is a question or one of its alternatives. *keyword*: a
key phrase occurs in the message as whole, consecutive words; the longest phrase wins. Both are dictionary look-ups, so
their cost depends on the message and not on the size of the book.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from deployments.answers.normalise import normalise
from deployments.answers.teller import SHORTEST_MESSAGE, Clock, Teller, preference
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry

EXACT_SCORE = 100.0
KEYWORD_SCORE = 95.0
"""A key phrase is the operator's explicit wish, surer than any rank, less sure than the whole question."""

_Trigger = tuple[FaqEntry, str]


class Book:
    """Immutable once built; ``lookup`` may be called from any thread. Disabled entries are not in it."""

    def __init__(self, entries: tuple[FaqEntry, ...], time_zone: str, clock: Clock) -> None:
        enabled = [entry for entry in entries if entry.enabled]
        self._teller = Teller(time_zone, clock)
        self._exact = _by_phrase((e, text) for e in enabled for text in (e.question, *e.alternatives))
        self._keywords = _by_phrase((e, keyword) for e in enabled for keyword in e.keywords)
        self._lengths = _lengths_by_first_word(self._keywords)

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The answer to ``text``, or None. Among equals ``locale`` decides, then the lower id."""
        message = normalise(text)
        if len(message) < SHORTEST_MESSAGE:
            return None
        if triggers := self._exact.get(message):
            return self._told(triggers, locale, "exact", EXACT_SCORE)
        if phrase := max(self._key_phrases(message), key=len, default=""):
            triggers = [t for p in self._phrases_as_long(message, phrase) for t in self._keywords[p]]
            return self._told(triggers, locale, "keyword", KEYWORD_SCORE)
        return None

    def _told(self, triggers: list[_Trigger], locale: str | None, rule: str, score: float) -> AnswerMatch:
        entry, trigger = min(triggers, key=lambda found: preference(found[0], locale))
        return self._teller.match(entry, rule, score, trigger)

    def _phrases_as_long(self, message: str, phrase: str) -> set[str]:
        return {other for other in self._key_phrases(message) if len(other) == len(phrase)}

    def _key_phrases(self, message: str) -> Iterator[str]:
        """Every key phrase that occurs in the normalised ``message``."""
        words = message.split()
        for start, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                phrase = " ".join(words[start : start + length])
                if phrase in self._keywords:
                    yield phrase


def _by_phrase(triggers: Iterable[_Trigger]) -> dict[str, list[_Trigger]]:
    found: dict[str, list[_Trigger]] = defaultdict(list)
    for entry, text in triggers:
        if len(phrase := normalise(text)) >= SHORTEST_MESSAGE:
            found[phrase].append((entry, text))
    return dict(found)


def _lengths_by_first_word(phrases: Iterable[str]) -> dict[str, frozenset[int]]:
    """First word -> numbers of words of the phrases that begin with it."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for phrase in phrases:
        words = phrase.split()
        lengths[words[0]].add(len(words))
    return {word: frozenset(found) for word, found in lengths.items()}
