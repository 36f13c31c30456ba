"""The book of prepared answers: what a door looks up in its own memory before anything else is asked.

Both rules work on normalised words. *exact*: the whole message is a question or one of its alternatives. *keyword*: a
key phrase occurs in the message as whole, consecutive words, beside at most twelve others; the longest phrase wins. So
a contract to be translated is not answered for the phrase that it mentions. Both are dictionary look-ups, so their cost
depends on the message and not on the size of the book.
"""

from collections.abc import Callable, Iterable

from deployments.answers.answer_renderer import MIN_MESSAGE_LENGTH, AnswerRenderer, UtcClock, preference_key
from deployments.answers.entry_diff import EntryDiff
from deployments.answers.normalise import normalise
from deployments.answers.phrase_index import KeyPhraseIndex, PhraseIndex, PhraseTrigger
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry

EXACT_SCORE = 100.0
KEYWORD_SCORE = 95.0
"""A key phrase is the operator's explicit wish, surer than any rank, less sure than the whole question."""


class ExactMatchIndex:
    """Immutable once built; ``lookup`` may be called from any thread. Disabled entries are not in it.

    A book made after another (``before``) takes over what that one knows of the entries that are still the same: it
    costs what changed. ``spelled`` is the spelling in which texts are compared, the same for both.
    """

    def __init__(
        self,
        entries: tuple[FaqEntry, ...],
        time_zone: str,
        clock: UtcClock,
        previous: "ExactMatchIndex | None" = None,
        normalise_text: Callable[[str], str] = normalise,
    ) -> None:
        self._teller = AnswerRenderer(time_zone, clock)
        self._spelled = normalise_text
        self._entries = tuple(entry for entry in entries if entry.enabled)
        change = EntryDiff.between(previous._entries if previous else (), self._entries)
        exact = previous._exact if previous else PhraseIndex(_questions, normalise_text)
        keywords = previous._keywords if previous else KeyPhraseIndex(PhraseIndex(_keywords, normalise_text))
        self._exact: PhraseIndex = exact.updated(change)
        self._keywords: KeyPhraseIndex = keywords.updated(change)

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The answer to ``text``, or None. Among equals ``locale`` decides, then the lower id."""
        message = self._spelled(text)
        if len(message) < MIN_MESSAGE_LENGTH:
            return None
        if triggers := self._exact.triggers.get(message):
            return self._told(triggers, locale, "exact", EXACT_SCORE)
        if phrase := max(self._keywords.find_in(message), key=len, default=""):
            return self._told(self._triggers_as_long(message, phrase), locale, "keyword", KEYWORD_SCORE)
        return None

    def _told(self, triggers: Iterable[PhraseTrigger], locale: str | None, rule: str, score: float) -> AnswerMatch:
        entry, trigger = min(triggers, key=lambda found: preference_key(found[0], locale))
        return self._teller.render_match(entry, rule, score, trigger)

    def _triggers_as_long(self, message: str, phrase: str) -> list[PhraseTrigger]:
        phrases = dict.fromkeys(other for other in self._keywords.find_in(message) if len(other) == len(phrase))
        return [trigger for other in phrases for trigger in self._keywords.phrases.triggers[other]]


def _questions(entry: FaqEntry) -> tuple[str, ...]:
    return (entry.question, *entry.alternatives)


def _keywords(entry: FaqEntry) -> tuple[str, ...]:
    return entry.keywords
