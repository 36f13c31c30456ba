"""Exact and keyword matches of FAQ entries.

Both rules compare normalised words. *exact*: the whole message is a question or an alternative of an entry. *keyword*:
a keyword phrase occurs in the message as whole, consecutive words with at most twelve other words; the longest phrase
wins. So a long text that only mentions a phrase is not answered. Both rules are dictionary lookups: their cost depends
on the length of the message, not on the number of entries.
"""

from collections.abc import Callable, Iterable

from deployments.answers.answer_renderer import MIN_MESSAGE_LENGTH, AnswerRenderer, UtcClock, preference_key
from deployments.answers.entry_diff import EntryDiff
from deployments.answers.normalise import MAX_QUESTION_CHARS, normalise
from deployments.answers.phrase_index import KeyPhraseIndex, PhraseIndex, PhraseTrigger
from deployments.answers.qualifiers import agrees, disagreements
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import Refusal, StageCandidate, StageReport

EXACT_SCORE = 100.0
KEYWORD_SCORE = 95.0
"""Above any ranked score, below an exact match."""


class ExactMatchIndex:
    """An immutable index of the enabled entries. ``lookup`` is thread-safe.

    ``previous`` is the index of a former set of entries: building the new one then costs what changed. Both need the
    same ``normalise_text``.
    """

    def __init__(
        self,
        entries: tuple[FaqEntry, ...],
        time_zone: str,
        clock: UtcClock,
        previous: "ExactMatchIndex | None" = None,
        normalise_text: Callable[[str], str] = normalise,
    ) -> None:
        self._renderer = AnswerRenderer(time_zone, clock)
        self._normalise_text = normalise_text
        self._entries = tuple(entry for entry in entries if entry.enabled)
        diff = EntryDiff.between(previous._entries if previous else (), self._entries)
        exact = previous._exact if previous else PhraseIndex(_questions, normalise_text)
        keywords = previous._keywords if previous else KeyPhraseIndex(PhraseIndex(_keywords, normalise_text))
        self._exact: PhraseIndex = exact.updated(diff)
        self._keywords: KeyPhraseIndex = keywords.updated(diff)

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The match of ``text``, or None; a text longer than MAX_QUESTION_CHARS has none.

        Ties go to the language of ``locale``, then to the lower id.
        """
        if len(text) > MAX_QUESTION_CHARS:
            return None
        message = self._normalise_text(text)
        if len(message) < MIN_MESSAGE_LENGTH:
            return None
        if triggers := self._exact.triggers.get(message):
            return self._best_match(triggers, locale, "exact", EXACT_SCORE)
        if phrase := max(self._keywords.find_in(message), key=len, default=""):
            meant = [found for found in self._triggers_as_long(message, phrase) if agrees(text, *found)]
            return self._best_match(meant, locale, "keyword", KEYWORD_SCORE) if meant else None
        return None

    def explain(self, text: str, locale: str | None, limit: int) -> StageReport:
        """The ``limit`` entries whose questions or key phrases are in ``text``, the one of ``lookup`` first."""
        message = self._normalise_text(text)
        if len(message) < MIN_MESSAGE_LENGTH:
            return StageReport("exact", state="length")
        found: list[StageCandidate] = []
        for entry, trigger in self._exact.triggers.get(message, ()):
            found.append(StageCandidate(self._renderer.render_match(entry, "exact", EXACT_SCORE, trigger)))
        phrases = sorted(dict.fromkeys(self._keywords.find_in(message)), key=len, reverse=True)
        for phrase in phrases:
            for entry, trigger in self._keywords.phrases.triggers[phrase]:
                match = self._renderer.render_match(entry, "keyword", KEYWORD_SCORE, trigger)
                nearer: tuple[Refusal, ...] = ("nearer",) if len(phrase) < len(phrases[0]) else ()
                found.append(StageCandidate(match, (*disagreements(text, entry, trigger), *nearer)))
        answer = self.lookup(text, locale)
        ordered = sorted(found, key=lambda each: (each.match != answer, bool(each.refusals), -each.match.score))
        return StageReport("exact", _only_first_answers(ordered, answer)[:limit])

    def _best_match(
        self, triggers: Iterable[PhraseTrigger], locale: str | None, rule: str, score: float
    ) -> AnswerMatch:
        entry, trigger = min(triggers, key=lambda found: preference_key(found[0], locale))
        return self._renderer.render_match(entry, rule, score, trigger)

    def _triggers_as_long(self, message: str, phrase: str) -> list[PhraseTrigger]:
        phrases = dict.fromkeys(other for other in self._keywords.find_in(message) if len(other) == len(phrase))
        return [trigger for other in phrases for trigger in self._keywords.phrases.triggers[other]]


def _only_first_answers(candidates: list[StageCandidate], answer: AnswerMatch | None) -> tuple[StageCandidate, ...]:
    return tuple(
        each if each.refusals or each.match == answer else StageCandidate(each.match, ("nearer",))
        for each in candidates
    )


def _questions(entry: FaqEntry) -> tuple[str, ...]:
    return (entry.question, *entry.alternatives)


def _keywords(entry: FaqEntry) -> tuple[str, ...]:
    return entry.keywords
