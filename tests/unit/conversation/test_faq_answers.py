"""FAQ indexes follow the snapshots and read only what changed."""

from datetime import UTC, datetime

from deployments.answers.normalise import normalise
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings, Settings
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup, RankedAnswers
from tests.unit.conversation.fakes import FailingAnswerBook, FixedAnswerBook, HangingAnswerBook
from tests.unit.conversation.harness import user_turn

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRIES = tuple(FaqEntry(id=n, question=f"Вопрос номер {n}", answer="Сейчас {current_time}") for n in range(1, 51))
NEW = FaqEntry(id=51, question="Есть ли парковка?", answer="Есть")


def _at(zone: str = "UTC", entries: tuple[FaqEntry, ...] = ENTRIES, threshold: float = 82) -> Snapshot:
    return Snapshot(faq=entries, settings=Settings(time_zone=zone, faq=FaqSettings(ranked_threshold=threshold)))


def test_exact_answers_update_normalises_only_new_texts() -> None:
    read: list[str] = []

    def recording_normalise(text: str) -> str:
        read.append(text)
        return normalise(text)

    answers = ExactAnswers(lambda: NOON, recording_normalise)
    assert answers.lookup("вопрос номер 7", None) is None
    matches = []
    for snapshot in (_at(), _at(), _at("Europe/Moscow"), _at("Europe/Moscow", (*ENTRIES, NEW))):
        answers.prepare(snapshot)
        matches.append(answers.lookup("вопрос номер 7", None))
    assert [match.text for match in matches if match] == ["Сейчас 12:00"] * 2 + ["Сейчас 15:00"] * 2
    assert answers.lookup("есть ли парковка", None)
    assert [text for text in read if text[0].isupper()] == [entry.question for entry in (*ENTRIES, NEW)]


def test_ranked_answers_update_tokenizes_only_new_texts() -> None:
    read: list[str] = []

    def recording_tokenize(text: str) -> TokenizedText:
        read.append(text)
        return tokenize_text(text)

    answers = RankedAnswers(lambda: NOON, recording_tokenize)
    assert answers.ranking is None
    found = []
    for snapshot in (_at(), _at(threshold=30), _at("Europe/Moscow", (*ENTRIES, NEW), threshold=30)):
        answers.prepare(snapshot)
        assert answers.ranking
        found.append(answers.ranking.match("а парковка есть", None))
    assert [match.entry_id if match else None for match in found] == [None, None, 51]
    assert [text for text in read if text[0].isupper()] == [entry.question for entry in (*ENTRIES, NEW)]


def test_ranked_answers_return_after_clear() -> None:
    answers = RankedAnswers(lambda: NOON)
    answers.prepare(_at())
    answers.clear()
    assert answers.ranking is None
    answers.prepare(_at())
    assert answers.ranking


async def test_faq_lookup_ignores_slow_and_failing_ranking() -> None:
    turn = user_turn("есть ли парковка")
    exact = ExactAnswers(lambda: NOON)
    assert await FaqLookup(exact, FixedAnswerBook()).find_ranked(turn) == FixedAnswerBook.match
    assert await FaqLookup(exact, HangingAnswerBook(), timeout_s=0.01).find_ranked(turn) is None
    assert await FaqLookup(exact, FailingAnswerBook()).find_ranked(turn) is None
    assert await FaqLookup(exact, None).find_ranked(turn) is None
