"""Immutable indexes from normalised phrases to FAQ entries. An updated index shares its unchanged parts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from deployments.answers.answer_renderer import MIN_MESSAGE_LENGTH
from deployments.answers.entry_diff import EntryDiff
from deployments.contracts.faq_entry import FaqEntry

PhraseTrigger = tuple[FaqEntry, str]
"""An entry and the original text that triggers it."""

MAX_OTHER_WORDS = 12
"""Besides a keyword phrase in one message. A longer message only mentions the phrase."""


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """Normalised phrase -> triggers. ``texts`` returns the indexed texts of an entry."""

    texts: Callable[[FaqEntry], Iterable[str]]
    normalise_text: Callable[[str], str]
    triggers: Mapping[str, tuple[PhraseTrigger, ...]] = field(default_factory=dict)

    def updated(self, diff: EntryDiff) -> "PhraseIndex":
        index = dict(self.triggers)
        for phrase, removed in self._by_phrase(diff.removed).items():
            ids = {entry.id for entry, _ in removed}
            index[phrase] = tuple(trigger for trigger in index[phrase] if trigger[0].id not in ids)
            if not index[phrase]:
                del index[phrase]
        for phrase, added in self._by_phrase(diff.added).items():
            index[phrase] = (*index.get(phrase, ()), *added)
        return replace(self, triggers=index)

    def _by_phrase(self, entries: Iterable[FaqEntry]) -> dict[str, list[PhraseTrigger]]:
        index: dict[str, list[PhraseTrigger]] = defaultdict(list)
        for entry in entries:
            for text in self.texts(entry):
                if len(phrase := self.normalise_text(text)) >= MIN_MESSAGE_LENGTH:
                    index[phrase].append((entry, text))
        return index


@dataclass(frozen=True, slots=True)
class KeyPhraseIndex:
    """Finds ``phrases`` inside messages. ``lengths``: first word -> numbers of words of the phrases that start with
    it."""

    phrases: PhraseIndex
    lengths: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def updated(self, diff: EntryDiff) -> "KeyPhraseIndex":
        phrases = self.phrases.updated(diff)
        changed_words = {_first_word(phrase) for phrase in self.phrases.triggers.keys() ^ phrases.triggers.keys()}
        kept = {word: lengths for word, lengths in self.lengths.items() if word not in changed_words}
        counted = _lengths(phrase for phrase in phrases.triggers if _first_word(phrase) in changed_words)
        return KeyPhraseIndex(phrases, kept | counted)

    def find_in(self, message: str) -> Iterator[str]:
        """Yields every phrase that occurs in the normalised ``message`` as whole, consecutive words, with at most
        ``MAX_OTHER_WORDS`` other words."""
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
