"""Phrases of prepared answers in one spelling, and what they lead to. Immutable; a successor shares what stays."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from deployments.answers.answer_renderer import MIN_MESSAGE_LENGTH
from deployments.answers.entry_diff import EntryDiff
from deployments.contracts.settings import FaqEntry

PhraseTrigger = tuple[FaqEntry, str]
"""An entry and the one of its texts that leads to it, as the operator wrote it."""

MAX_OTHER_WORDS = 12
"""Beside a key phrase in one message: more is a text that mentions the phrase, not a question about it."""


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """Phrase -> triggers that ``spelled`` makes the same. ``texts`` says which texts of an entry are meant."""

    texts: Callable[[FaqEntry], Iterable[str]]
    normalise_text: Callable[[str], str]
    triggers: Mapping[str, tuple[PhraseTrigger, ...]] = field(default_factory=dict)

    def updated(self, diff: EntryDiff) -> "PhraseIndex":
        found = dict(self.triggers)
        for phrase, gone in self._by_phrase(diff.removed).items():
            ids = {entry.id for entry, _ in gone}
            found[phrase] = tuple(trigger for trigger in found[phrase] if trigger[0].id not in ids)
            if not found[phrase]:
                del found[phrase]
        for phrase, come in self._by_phrase(diff.added).items():
            found[phrase] = (*found.get(phrase, ()), *come)
        return replace(self, triggers=found)

    def _by_phrase(self, entries: Iterable[FaqEntry]) -> dict[str, list[PhraseTrigger]]:
        found: dict[str, list[PhraseTrigger]] = defaultdict(list)
        for entry in entries:
            for text in self.texts(entry):
                if len(phrase := self.normalise_text(text)) >= MIN_MESSAGE_LENGTH:
                    found[phrase].append((entry, text))
        return found


@dataclass(frozen=True, slots=True)
class KeyPhraseIndex:
    """``phrases`` that are looked for inside of messages. ``lengths``: first word -> numbers of words of the phrases
    that begin with it."""

    phrases: PhraseIndex
    lengths: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def updated(self, diff: EntryDiff) -> "KeyPhraseIndex":
        phrases = self.phrases.updated(diff)
        moved = {_first_word(phrase) for phrase in self.phrases.triggers.keys() ^ phrases.triggers.keys()}
        kept = {word: lengths for word, lengths in self.lengths.items() if word not in moved}
        counted = _lengths(phrase for phrase in phrases.triggers if _first_word(phrase) in moved)
        return KeyPhraseIndex(phrases, kept | counted)

    def find_in(self, message: str) -> Iterator[str]:
        """Every phrase that occurs in the normalised ``message`` as whole, consecutive words, beside at most
        ``MOST_OTHER_WORDS`` others."""
        words = message.split()
        for start, word in enumerate(words):
            for length in self.lengths.get(word, ()):
                if len(words) - length > MAX_OTHER_WORDS:
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
