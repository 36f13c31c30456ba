"""The ranking compared with a plain implementation of its formula."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from deployments.answers.ranking import Ranking
from deployments.answers.tokenized_text import TokenizedText, stem, tokenize_text
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings

WORDS = (
    "сколько стоит доставка доставку даставка заказ заказать закзать отменить отмена возврат товар товара не нельзя"
    " работает работаете адрес офис пожалуйста how much delivery delivary order orders cancel cost not the office"
)
_texts = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=8).map(" ".join)
_questions = st.lists(st.tuples(_texts, st.lists(_texts, max_size=2)), min_size=1, max_size=8)


def plain_score(message: TokenizedText, question: TokenizedText, known: list[str]) -> float:
    """The docstring of ``deployments.answers.ranking``, one trigger at a time."""
    lacking, added = question.function_words - message.function_words, message.function_words - question.function_words
    if question.lacks_content and (lacking or added - {stem("пожалуйста")}):
        return 0.0
    weight, covered = question.weight, 0.0
    for key, (similarity, stem_weight) in plain_similar(message, known).items():
        covered += similarity * stem_weight if key in question.stems else 0.0
    share = min(covered / weight, 1.0)
    extra = 1 - min(covered / message.weight, 1.0)
    penalty = min(max(1.05 / weight, 0.3), 1.0)
    return 100 * share * (1 - extra * penalty) * (1.0 if message.negated == question.negated else 0.8)


def plain_similar(message: TokenizedText, known: list[str]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for word, weight in message.stems.items():
        near = [(fuzz.ratio(word, other) / 100, other) for other in known if len(word) >= 4 and other[0] == word[0]]
        near = sorted((pair for pair in near if pair[0] >= 0.85), key=lambda pair: -pair[0])[:4]
        for similarity, other in [*((1.0, other) for other in known if other == word), *near]:
            if similarity > found.get(other, (0.0, 0.0))[0]:
                found[other] = (similarity, weight)
    return found


@settings(deadline=None, max_examples=50)
@given(_questions, _texts)
def test_ranking_scores_equal_plain_formula(questions: list[tuple[str, list[str]]], message: str) -> None:
    entries = tuple(
        FaqEntry(id=number, question=question, alternatives=tuple(alternatives), answer=str(number))
        for number, (question, alternatives) in enumerate(questions, 1)
    )
    triggers = [(entry.id, tokenize_text(text)) for entry in entries for text in (entry.question, *entry.alternatives)]
    known = sorted({stem for _, question in triggers for stem in question.stems})
    expected: dict[int, float] = {}
    for entry_id, question in triggers:
        score = plain_score(tokenize_text(message), question, known)
        if score > 0:
            expected[entry_id] = max(score, expected.get(entry_id, 0.0))
    ranking = Ranking(entries, FaqSettings(), "UTC", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    found = {c.match.entry_id: c.match.score for c in ranking.explain(message, None, len(entries)).candidates}
    assert found == pytest.approx(expected, abs=0.051)
