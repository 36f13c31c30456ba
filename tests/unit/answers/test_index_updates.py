"""An updated index equals a new one, and reads only what changed."""

import gc
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Generic, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.normalise import normalise
from deployments.answers.ranking import Ranking
from deployments.answers.tokenized_text import tokenize_text
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings

WORDS = "сколько стоит доставка доставку даставка доставки заказ заказать не адрес delivery delivered order the wifi"
NOW = datetime(2026, 11, 23, 22, 5, tzinfo=UTC)
R = TypeVar("R")

_texts = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=4).map(" ".join)
_words = st.lists(_texts, max_size=3).map(tuple)
_places = st.integers(0, 1_000)


class CallCounter(Generic[R]):
    """Wraps ``call`` and records its arguments."""

    def __init__(self, call: Callable[[str], R]) -> None:
        self._call = call
        self.texts: list[str] = []

    def __call__(self, text: str) -> R:
        self.texts.append(text)
        return self._call(text)


def _entry(id: int, question: str, **rest: object) -> FaqEntry:
    return FaqEntry.model_validate({"id": id, "question": question, "answer": "{current_time} ответ", **rest})


class EntryEditMachine(RuleBasedStateMachine):
    """Random edits. After each edit, the updated indexes answer like new ones."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: tuple[FaqEntry, ...] = ()
        self.settings, self.zone = FaqSettings(), "UTC"
        self.last_id = 0
        self.exact, self.ranking = self._build()
        self.messages = ["сколько стоит доставка", "the delivery order", "даставку не заказать"]

    def _build(
        self, exact: ExactMatchIndex | None = None, ranking: Ranking | None = None
    ) -> tuple[ExactMatchIndex, Ranking]:
        return (
            ExactMatchIndex(self.entries, self.zone, lambda: NOW, exact),
            Ranking(self.entries, self.settings, self.zone, lambda: NOW, ranking),
        )

    def _apply(self, entries: list[FaqEntry]) -> None:
        self.entries = tuple(entries)
        before = self.exact, self.ranking
        self.exact, self.ranking = self._build(*before)
        assert self._answers(*before) == self.answers

    def _answers(self, exact: ExactMatchIndex, ranking: Ranking) -> list[object]:
        asked = [(message, locale) for message in self.messages for locale in (None, "ru", "en-GB")]
        matches = [(exact.lookup(*each), ranking.match(*each)) for each in asked]
        return [matches, [ranking.explain(*each, limit=100).candidates for each in asked]]

    def _at(self, place: int) -> int:
        return place % len(self.entries)

    def _with(self, place: int, **changes: object) -> list[FaqEntry]:
        entries = [*self.entries]
        if entries:
            chosen = entries[self._at(place)]
            entries[self._at(place)] = chosen.model_copy(update=changes | {"version": chosen.version + 1})
        return entries

    @rule(question=_texts, others=_words, keywords=_words, place=_places, enabled=st.booleans())
    def add(self, question: str, others: tuple[str], keywords: tuple[str], place: int, enabled: bool) -> None:
        self.last_id += 1
        rest = {"alternatives": others, "keywords": keywords, "enabled": enabled}
        entries = [*self.entries]
        entries.insert(place % (len(entries) + 1), _entry(self.last_id, question, **rest))
        self._apply(entries)

    @rule(place=_places, question=_texts, others=_words, keywords=_words)
    def rewrite(self, place: int, question: str, others: tuple[str], keywords: tuple[str]) -> None:
        self._apply(self._with(place, question=question, alternatives=others, keywords=keywords))

    @rule(place=_places, answer=_texts, language=st.sampled_from(("ru", "en")))
    def change_answer(self, place: int, answer: str, language: str) -> None:
        self._apply(self._with(place, answer=answer, language=language))

    @rule(place=_places, enabled=st.booleans())
    def set_enabled(self, place: int, enabled: bool) -> None:
        self._apply(self._with(place, enabled=enabled))

    @rule(place=_places)
    def delete(self, place: int) -> None:
        self._apply([each for number, each in enumerate(self.entries) if number != self._at(place)])

    @rule(order=st.randoms(use_true_random=False))
    def reorder(self, order: Random) -> None:
        self._apply(order.sample(self.entries, len(self.entries)))

    @rule(answer=_texts)
    def restore_backup_with_same_versions(self, answer: str) -> None:
        self._apply([each.model_copy(update={"answer": answer, "question": answer}) for each in self.entries])

    @rule()
    def replace_by_copies(self) -> None:
        self._apply([each.model_copy(deep=True) for each in self.entries])

    @rule(zone=st.sampled_from(("UTC", "Europe/Moscow")))
    def change_time_zone(self, zone: str) -> None:
        self.zone = zone
        self._apply([*self.entries])

    @rule(threshold=st.sampled_from((40.0, 82.0)), margin=st.sampled_from((0.0, 4.0)))
    def change_threshold(self, threshold: float, margin: float) -> None:
        self.settings = FaqSettings(ranked_threshold=threshold, ranked_margin=margin)
        self._apply([*self.entries])

    @rule(message=_texts)
    def ask(self, message: str) -> None:
        self.messages = [*self.messages[-4:], message]

    @invariant()
    def answers_equal_a_new_index(self) -> None:
        self.answers = self._answers(self.exact, self.ranking)
        assert self.answers == self._answers(*self._build())


TestEntryEdits = EntryEditMachine.TestCase
TestEntryEdits.settings = settings(deadline=None, max_examples=8, stateful_step_count=12)


@pytest.mark.long
class TestManyEntryEdits(EntryEditMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(deadline=None, max_examples=50, stateful_step_count=30)


ENTRIES = tuple(
    _entry(n, f"вопрос номер {n}", alternatives=(f"другой {n}",), keywords=(f"ключ {n}",)) for n in range(1, 101)
)
FIRST, SECOND, NEW = ENTRIES[0], ENTRIES[1], _entry(101, "новый вопрос")
CHANGES = {
    "added": ((*ENTRIES, NEW), [], [NEW]),
    "changed": ((_entry(1, "иначе"), *ENTRIES[1:]), [FIRST], [_entry(1, "иначе")]),
    "deleted": ((FIRST, *ENTRIES[2:]), [SECOND], []),
    "nothing": (tuple(reversed(ENTRIES)), [], []),
    "nothing, as copies": (tuple(each.model_copy(deep=True) for each in ENTRIES), [], []),
}


@pytest.mark.parametrize("change", CHANGES)
def test_update_reads_only_changed_entries(change: str) -> None:
    entries, removed, added = CHANGES[change]
    normalised, tokenized = CallCounter(normalise), CallCounter(tokenize_text)
    exact = ExactMatchIndex(ENTRIES, "UTC", lambda: NOW, normalise_text=normalised)
    ranking = Ranking(ENTRIES, FaqSettings(), "UTC", lambda: NOW, tokenize=tokenized)
    assert (len(normalised.texts), len(tokenized.texts)) == (300, 200)
    normalised.texts, tokenized.texts = [], []
    ExactMatchIndex(entries, "Europe/Moscow", lambda: NOW, exact, normalised)
    Ranking(entries, FaqSettings(ranked_threshold=50), "Europe/Moscow", lambda: NOW, ranking, tokenized)
    assert sorted(normalised.texts) == sorted(
        text for each in (*removed, *added) for text in (*_questions(each), *each.keywords)
    )
    assert sorted(tokenized.texts) == sorted(text for each in added for text in _questions(each))


def test_update_keeps_no_former_index() -> None:
    exact = ExactMatchIndex(ENTRIES, "UTC", lambda: NOW)
    ranking = Ranking(ENTRIES, FaqSettings(), "UTC", lambda: NOW)
    before = weakref.ref(exact), weakref.ref(ranking)
    exact = ExactMatchIndex((*ENTRIES, NEW), "UTC", lambda: NOW, exact)
    ranking = Ranking((*ENTRIES, NEW), FaqSettings(), "UTC", lambda: NOW, ranking)
    gc.collect()
    assert [each() for each in before] == [None, None]
    assert exact.lookup("новый вопрос", None)
    assert ranking.match("новый вопрос", None)


def test_update_removes_deleted_entries_fully() -> None:
    exact, ranking = ExactMatchIndex(ENTRIES, "UTC", lambda: NOW), Ranking(ENTRIES, FaqSettings(), "UTC", lambda: NOW)
    for number in range(1_000, 1_100):
        entries = (*ENTRIES[1:], _entry(number, f"свежий {number}", keywords=(f"слово{number} и ещё",)))
        exact = ExactMatchIndex(entries, "UTC", lambda: NOW, exact)
        ranking = Ranking(entries, FaqSettings(), "UTC", lambda: NOW, ranking)
    fresh, fresh_ranking_index = (
        ExactMatchIndex(entries, "UTC", lambda: NOW),
        Ranking(entries, FaqSettings(), "UTC", lambda: NOW)._index,
    )
    assert exact._exact.triggers.keys() == fresh._exact.triggers.keys()
    assert exact._keywords.lengths == fresh._keywords.lengths
    assert ranking._index.alphabet == fresh_ranking_index.alphabet
    assert ranking._index.postings.keys() == fresh_ranking_index.postings.keys()
    assert len(ranking._index.questions) == len(ENTRIES) * 2


@pytest.mark.parametrize("order", [1, -1])
def test_equally_similar_stems_rank_alphabetically(order: int) -> None:
    ranking = Ranking((), FaqSettings(), "UTC", lambda: NOW)
    entries: tuple[FaqEntry, ...] = ()
    for number in range(1, 8)[::order]:
        entries = (*entries, _entry(number, f"артикул{number}"))
        ranking = Ranking(entries, FaqSettings(), "UTC", lambda: NOW, ranking)
    assert [found.match.entry_id for found in ranking.explain("артикул9", None, 7).candidates] == [1, 2, 3, 4]


def _questions(entry: FaqEntry) -> tuple[str, ...]:
    return (entry.question, *entry.alternatives)
