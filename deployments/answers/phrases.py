"""Phrases of prepared answers in one spelling, and what they lead to. Immutable; a successor shares what stays."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from deployments.answers.difference import Difference
from deployments.answers.teller import SHORTEST_MESSAGE
from deployments.contracts.settings import FaqEntry

Trigger = tuple[FaqEntry, str]
"""An entry and the one of its texts that leads to it, as the operator wrote it."""

MOST_OTHER_WORDS = 12
"""Beside a key phrase in one message: more is a text that mentions the phrase, not a question about it."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrase -> triggers that ``spelled`` makes the same. ``texts`` says which texts of an entry are meant."""

    texts: Callable[[FaqEntry], Iterable[str]]
    spelled: Callable[[str], str]
    triggers: Mapping[str, tuple[Trigger, ...]] = field(default_factory=dict)

    def successor(self, change: Difference) -> "Phrases":
        found = dict(self.triggers)
        for phrase, gone in self._by_phrase(change.gone).items():
            ids = {entry.id for entry, _ in gone}
            found[phrase] = tuple(trigger for trigger in found[phrase] if trigger[0].id not in ids)
            if not found[phrase]:
                del found[phrase]
        for phrase, come in self._by_phrase(change.come).items():
            found[phrase] = (*found.get(phrase, ()), *come)
        return replace(self, triggers=found)

    def _by_phrase(self, entries: Iterable[FaqEntry]) -> dict[str, list[Trigger]]:
        found: dict[str, list[Trigger]] = defaultdict(list)
        for entry in entries:
            for text in self.texts(entry):
                if len(phrase := self.spelled(text)) >= SHORTEST_MESSAGE:
                    found[phrase].append((entry, text))
        return found


@dataclass(frozen=True, slots=True)
class KeyPhrases:
    """``phrases`` that are looked for inside of messages. ``lengths``: first word -> numbers of words of the phrases
    that begin with it."""

    phrases: Phrases
    lengths: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def successor(self, change: Difference) -> "KeyPhrases":
        phrases = self.phrases.successor(change)
        moved = {_first_word(phrase) for phrase in self.phrases.triggers.keys() ^ phrases.triggers.keys()}
        kept = {word: lengths for word, lengths in self.lengths.items() if word not in moved}
        counted = _lengths(phrase for phrase in phrases.triggers if _first_word(phrase) in moved)
        return KeyPhrases(phrases, kept | counted)

    def inside(self, message: str) -> Iterator[str]:
        """Every phrase that occurs in the normalised ``message`` as whole, consecutive words, beside at most
        ``MOST_OTHER_WORDS`` others."""
        words = message.split()
        for start, word in enumerate(words):
            for length in self.lengths.get(word, ()):
                if len(words) - length > MOST_OTHER_WORDS:
                    continue
                phrase = " ".join(words[start : start + length])
                if phrase in self.phrases.triggers:
                    yield phrase


def _lengths(phrases: Iterable[str]) -> dict[str, frozenset[int]]:
    lengths: dict[str, set[int]] = defaultdict(set)
    for phrase in phrases:
        lengths[_first_word(phrase)].add(phrase.count(" ") + 1)
    return {word: frozenset(found) for word, found in lengths.items()}


def _first_word(phrase: str) -> str:
    return phrase.partition(" ")[0]
