"""Ranking FAQ questions by similarity."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.answers.ranking import Ranking
from deployments.answers.tokenized_text import stem, tokenize_text
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings

QUESTIONS = {
    1: ("ru", "Сколько стоит доставка?", ("цена доставки",)),
    2: ("ru", "Как оплатить заказ картой?", ()),
    3: ("ru", "Где вы находитесь?", ("Какой у вас адрес офиса?",)),
    4: ("ru", "Можно ли вернуть товар?", ("Как оформить возврат товара",)),
    5: ("ru", "Работаете ли вы в воскресенье?", ()),
    6: ("en", "What are your opening hours?", ()),
    7: ("en", "How much does delivery cost?", ()),
    8: ("ru", "Кто вы?", ()),
    9: ("ru", "Как отменить заказ?", ()),
    10: ("ru", "Почему доставка не работает?", ()),
    11: ("ru", "Выключенный вопрос про скидки", ()),
}
ESSAY = (
    "Сегодня утром я гулял в парке с собакой, потом встретил старого друга, обсуждали погоду, политику, футбол,"
    " он рассказал сколько стоит доставка пиццы, и мы решили поехать на дачу, жарить шашлыки"
)


def _ranking(settings: FaqSettings | None = None) -> Ranking:
    entries = tuple(
        FaqEntry(
            id=number,
            question=question,
            alternatives=alternatives,
            language=language,
            answer=f"ответ {number}",
            enabled=number != 11,
        )
        for number, (language, question, alternatives) in QUESTIONS.items()
    )
    return Ranking(entries, settings or FaqSettings(), "Europe/Moscow", lambda: datetime(2026, 11, 23, tzinfo=UTC))


RANKING = _ranking()


@pytest.mark.parametrize(
    ("message", "id"),
    [
        ("сколько будет стоить доставка", 1),
        ("Подскажите, пожалуйста, сколько у вас стоит доставка в Тулу?", 1),
        ("Здравствуйте! Не подскажете, сколько стоит доставка?", 1),
        ("а доставка сколько стоит", 1),
        ("скольок стоит даставка", 1),
        ("цены доставки", 1),
        ("как мне оплатить мой заказ картой", 2),
        ("хочу узнать, где вы находитесь", 3),
        ("адрес вашего офиса какой", 3),
        ("вернуть товары можно?", 4),
        ("вы работаете по воскресеньям?", 5),
        ("hi, what are the opening hours please", 6),
        ("how much would the delivery cost", 7),
        ("а вы кто", 8),
        ("как мне отменить свой заказ", 9),
        ("почему не работает доставка", 10),
    ],
)
def test_ranking_matches_reworded_question(message: str, id: int) -> None:
    match = RANKING.match(message, None)
    assert match is not None
    assert (match.entry_id, match.rule) == (id, "ranked")
    assert 82 <= match.score <= 100


@pytest.mark.parametrize(
    "message",
    [
        "сколько стоит ремонт",
        "сколько стоит",
        "доставка",
        "сколько",
        "как оплатить картой штраф",
        "как оформить заказ",
        "где находится туалет",
        "меня зовут Иван и я вчера заказал доставку пиццы, сколько стоит колбаса",
        "можно ли вернуть деньги",
        "how much does repair cost",
        "почему доставка работает",
        "Выключенный вопрос про скидки",
        "",
        "?",
        "я",
        "пожалуйста",
        "а вы",
        ESSAY,
    ],
)
def test_ranking_ignores_other_questions(message: str) -> None:
    assert RANKING.match(message, None) is None


def test_ranking_trigger_is_matched_alternative() -> None:
    match = RANKING.match("как мне оформить возврат товаров", "ru")
    assert match is not None
    assert match.trigger == "Как оформить возврат товара"


def test_ranking_applies_threshold() -> None:
    message = "сколько стоит доставка в Тулу завтра утром"
    assert _ranking(FaqSettings(ranked_threshold=60)).match(message, None) is not None
    assert _ranking(FaqSettings(ranked_threshold=99)).match(message, None) is None


def test_ranking_applies_margin_between_answers() -> None:
    def ranking(second: str, margin: float) -> Ranking:
        entries = (
            FaqEntry(id=1, question="Как оплатить заказ картой", answer="первый"),
            FaqEntry(id=2, question="Картой как заказ оплатить", answer=second),
        )
        return Ranking(entries, FaqSettings(ranked_margin=margin), "UTC", lambda: datetime(2026, 1, 1, tzinfo=UTC))

    message = "оплатить заказ картой как"
    assert ranking("второй", 4).match(message, None) is None
    for close in (ranking("первый", 4), ranking("второй", 0)):
        match = close.match(message, None)
        assert match is not None
        assert match.entry_id == 1


def test_ranking_prefers_locale() -> None:
    entries = (
        FaqEntry(id=1, question="wifi password", answer="пароль", language="ru"),
        FaqEntry(id=2, question="wifi password", answer="password", language="en"),
    )
    ranking = Ranking(entries, FaqSettings(), "UTC", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for locale, wanted in (("ru", 1), ("en-GB", 2)):
        match = ranking.match("the wifi passwords", locale)
        assert match is not None
        assert match.entry_id == wanted


def test_explain_says_why_an_entry_is_refused() -> None:
    report = RANKING.explain("сколько стоит ремонт", "ru", 3)
    best = report.candidates[0]
    assert (best.match.entry_id, best.refusals, report.match) == (1, ("threshold",), None)
    assert best.match.score < report.threshold
    assert all("nearer" in other.refusals for other in report.candidates[1:])


def test_candidates_are_sorted_and_one_per_entry() -> None:
    found = RANKING.explain("как доставка заказ работа адрес", "ru", 4).candidates
    assert [c.match.score for c in found] == sorted((c.match.score for c in found), reverse=True)
    assert len({c.match.entry_id for c in found}) == len(found) == 4
    assert RANKING.explain("", None, 5).candidates == RANKING.explain("доставка", None, 0).candidates == ()


@settings(deadline=None)
@given(st.text(), st.sampled_from((None, "ru", "en")))
def test_ranking_scores_any_text_within_range(message: str, locale: str | None) -> None:
    RANKING.match(message, locale)
    assert all(0 <= c.match.score <= 100 for c in RANKING.explain(message, locale, 20).candidates)


@pytest.mark.parametrize("id", sorted(set(QUESTIONS) - {11}))
def test_ranking_question_matches_itself(id: int) -> None:
    match = RANKING.match(QUESTIONS[id][1], None)
    assert match is not None
    assert (match.entry_id, match.score) == (id, 100)


def test_empty_ranking_matches_nothing() -> None:
    assert Ranking((), FaqSettings(), "UTC", lambda: datetime(2026, 1, 1, tzinfo=UTC)).match("привет мир", None) is None


def test_stem_handles_russian_and_english() -> None:
    assert stem("доставки") == stem("доставку")
    assert stem("deliveries") == stem("delivery")


def test_courtesy_is_not_a_negation() -> None:
    assert not tokenize_text("не подскажете цену").negated
    assert tokenize_text("у меня не работает").negated
