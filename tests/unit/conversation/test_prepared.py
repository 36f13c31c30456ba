"""What a process knows of the prepared answers follows the snapshots, at the cost of what changed."""

from datetime import UTC, datetime

from deployments.answers.normalise import normalise
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.settings import FaqEntry, FaqSettings, Settings, Snapshot
from deployments.conversation.faq_answers import ExactAnswers, RankedAnswers

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOOK = tuple(FaqEntry(id=n, question=f"Вопрос номер {n}", answer="Сейчас {current_time}") for n in range(1, 51))
NEW = FaqEntry(id=51, question="Есть ли парковка?", answer="Есть")


def _at(zone: str = "UTC", book: tuple[FaqEntry, ...] = BOOK, threshold: float = 82) -> Snapshot:
    return Snapshot(faq=book, settings=Settings(time_zone=zone, faq=FaqSettings(ranked_threshold=threshold)))


def test_the_book_follows_and_reads_only_what_is_new() -> None:
    read: list[str] = []

    def spelled(text: str) -> str:
        read.append(text)
        return normalise(text)

    answers = ExactAnswers(lambda: NOON, spelled)
    assert answers.lookup("вопрос номер 7", None) is None
    told = []
    for snapshot in (_at(), _at(), _at("Europe/Moscow"), _at("Europe/Moscow", (*BOOK, NEW))):
        answers.prepare(snapshot)
        told.append(answers.lookup("вопрос номер 7", None))
    assert [match.text for match in told if match] == ["Сейчас 12:00"] * 2 + ["Сейчас 15:00"] * 2
    assert answers.lookup("есть ли парковка", None)
    assert [text for text in read if text[0].isupper()] == [entry.question for entry in (*BOOK, NEW)]


def test_the_ranking_follows_and_reads_only_what_is_new() -> None:
    read: list[str] = []

    def counted(text: str) -> TokenizedText:
        read.append(text)
        return tokenize_text(text)

    answers = RankedAnswers(lambda: NOON, counted)
    assert answers.ranking is None
    found = []
    for snapshot in (_at(), _at(threshold=30), _at("Europe/Moscow", (*BOOK, NEW), threshold=30)):
        answers.prepare(snapshot)
        assert answers.ranking
        found.append(answers.ranking.match("а парковка есть", None))
    assert [match.entry_id if match else None for match in found] == [None, None, 51]
    assert [text for text in read if text[0].isupper()] == [entry.question for entry in (*BOOK, NEW)]


def test_a_ranking_that_was_forgotten_comes_back_with_the_next_snapshot() -> None:
    answers = RankedAnswers(lambda: NOON)
    answers.prepare(_at())
    answers.clear()
    assert answers.ranking is None
    answers.prepare(_at())
    assert answers.ranking
