import time
from datetime import UTC, datetime

import pytest

from benchmarks.labelled import labelled_questions
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.meaning import MeaningIndex
from deployments.answers.qualifiers import is_negated
from deployments.answers.ranking import Ranking
from deployments.answers.sentence_encoder import UniversalSentenceEncoder
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings
from storage.seed import faq

ENCODER = UniversalSentenceEncoder()
ENTRIES = tuple(entry.model_copy(update={"id": number, "enabled": True}) for number, entry in enumerate(faq(), 1))


def now() -> datetime:
    return datetime(2026, 11, 26, 11, 5, tzinfo=UTC)


def index(*entries: FaqEntry, previous: MeaningIndex | None = None, **settings: float) -> MeaningIndex:
    return MeaningIndex(entries, FaqSettings(**settings), "UTC", now, ENCODER, previous)


@pytest.fixture(scope="module")
def lookup():
    exact = ExactMatchIndex(ENTRIES, "UTC", now)
    ranking = Ranking(ENTRIES, FaqSettings(), "UTC", now)
    meaning = index(*ENTRIES)

    def find(text: str, locale: str) -> AnswerMatch | None:
        return exact.lookup(text, locale) or ranking.match(text, locale) or meaning.match(text, locale)

    return find


@pytest.mark.parametrize("language", ["ru", "en"])
def test_faq_labelled_questions_precision(lookup, language: str) -> None:
    found = [(question, lookup(question.text, language)) for question in labelled_questions(language)]
    wrong = [(q.text, m.rule, m.trigger) for q, m in found if m and ENTRIES[m.entry_id - 1].question != q.entry]
    right = [q for q, m in found if m and ENTRIES[m.entry_id - 1].question == q.entry]
    for stage in {match.rule for _, match in found if match}:
        answers = sum(match is not None and match.rule == stage for _, match in found)
        assert sum(rule == stage for _, rule, _ in wrong) <= 0.03 * answers, wrong
    assert len(right) >= 0.85 * sum(q.entry is not None for q, _ in found)


@pytest.mark.parametrize(
    "message",
    [
        "I don't want to leave a message",
        "I do not want to talk to a person",
        "No thank you",
        "Который час в Токио?",
        "Я не хочу оставлять сообщение",
        "What time is it in Madrid",
        "Какое сегодня число продаж",
        "Please do not connect me to a person",
        "Не надо меня соединять с оператором",
        "Спасибо, не нужно",
    ],
)
def test_faq_refusal_or_other_place_matches_nothing(lookup, message: str) -> None:
    assert lookup(message, "ru") is None
    assert lookup(message, "en") is None


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("не хочу оставлять сообщение", True),
        ("I don't need a human", True),
        ("никого не зовите", True),
        ("не подскажете, который час", False),
        ("не могли бы вы соединить с оператором", False),
        ("can't you connect me to a person", False),
        ("соедините с оператором", False),
    ],
)
def test_negation_polite_question_is_none(text: str, negated: bool) -> None:
    assert is_negated(text) is negated


HOURS = FaqEntry(id=1, question="Во сколько вы открываетесь?", answer="В девять.", language="ru")
OPENING = FaqEntry(id=2, question="When do you open?", answer="At nine.", language="en")


def test_meaning_finds_other_words() -> None:
    match = index(HOURS).match("Во сколько вы открываетесь завтра?", "ru")
    assert match is not None
    assert (match.rule, match.entry_id, match.text) == ("meaning", 1, "В девять.")
    assert 75 <= match.score <= 100


def test_meaning_other_language_needs_setting_and_no_sibling() -> None:
    question = "At what hour do you open?"
    assert index(HOURS).match(question, "en") is None
    across = index(HOURS, meaning_across_languages=True, meaning_threshold=60).match(question, "en")
    assert across is not None
    assert across.entry_id == 1
    both = index(HOURS, OPENING, meaning_across_languages=True, meaning_threshold=60).match(question, "en")
    assert both is not None
    assert both.entry_id == 2


def test_meaning_update_encodes_changed_entries_only() -> None:
    class CountingEncoder(UniversalSentenceEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.texts: list[str] = []

        def encode(self, texts):
            self.texts += texts
            return super().encode(texts)

    encoder = CountingEncoder()
    first = MeaningIndex((HOURS,), FaqSettings(), "UTC", now, encoder)
    encoder.texts.clear()
    second = MeaningIndex((HOURS, OPENING), FaqSettings(), "UTC", now, encoder, first)
    assert encoder.texts == [OPENING.question]
    third = MeaningIndex((OPENING,), FaqSettings(), "UTC", now, encoder, second)
    assert third.match("Во сколько вы открываетесь завтра?", "ru") is None


def test_meaning_empty_or_long_message_matches_nothing() -> None:
    assert index().match("Во сколько вы открываетесь", "ru") is None
    assert index(HOURS).match("открываетесь", "ru") is None
    assert index(HOURS).match("во сколько вы открываетесь " * 20, "ru") is None


def test_meaning_long_words_are_not_encoded() -> None:
    found = index(HOURS)
    started = time.process_time()
    assert found.match(" ".join(["слово" * 200] * 40), "ru") is None
    index(HOURS.model_copy(update={"alternatives": ("слово" * 2_000,)}), previous=found)
    assert time.process_time() - started < 1


SUNDAY = FaqEntry(id=3, question="Во сколько вы открываетесь в выходные?", answer="В десять.", language="ru")
CLOCK = FaqEntry(id=4, question="Который сейчас час?", answer="Сейчас {current_time}.", language="ru")


@pytest.mark.parametrize(
    ("entries", "message", "refusals"),
    [
        ((HOURS,), "Во сколько вы открываетесь завтра?", ()),
        ((HOURS,), "Где можно поставить машину?", ("threshold",)),
        ((HOURS, SUNDAY), "Во сколько вы открываетесь?", ("margin",)),
        ((HOURS,), "Во сколько вы не открываетесь?", ("negation",)),
        ((CLOCK,), "Который сейчас час в Токио?", ("subject",)),
        ((OPENING,), "Во сколько вы открываетесь?", ("language",)),
    ],
)
def test_meaning_explains_refusals(entries: tuple[FaqEntry, ...], message: str, refusals: tuple[str, ...]) -> None:
    report = index(*entries, meaning_threshold=45, meaning_margin=20).explain(message, "ru", 5)
    assert report.candidates[0].refusals == refusals
    assert index(*entries, meaning_threshold=45, meaning_margin=20).match(message, "ru") == report.match
