"""Exact and keyword matches, normalisation and placeholders."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.answers.exact_match import EXACT_SCORE, KEYWORD_SCORE, ExactMatchIndex
from deployments.answers.normalise import normalise, normalised_words
from deployments.answers.phrase_index import MAX_OTHER_WORDS
from deployments.answers.templates import render_placeholders
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.faq_entry import FaqEntry

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)


def _entry(id: int, question: str, *, answer: str = "", **rest: object) -> FaqEntry:
    return FaqEntry.model_validate({"id": id, "question": question, "answer": answer or f"ответ {id}", **rest})


def _index(*entries: FaqEntry, time_zone: str = "Europe/Moscow") -> ExactMatchIndex:
    return ExactMatchIndex(entries, time_zone, lambda: NOW)


def _found(index: ExactMatchIndex, text: str, locale: str | None = None) -> int | None:
    match = index.lookup(text, locale)
    return match.entry_id if match else None


HELLO = _entry(1, "Привет!", alternatives=("Добрый день", "Здравствуйте."))
PRICE = _entry(2, "Сколько стоит доставка?", keywords=("цена доставки", "доставка"))
HOURS = _entry(3, "Когда вы открыты", keywords=("часы работы",))
INDEX = _index(HELLO, PRICE, HOURS)


@given(st.text())
def test_normalise_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert normalised_words(text) == tuple(once.split(" ")) * bool(once)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("  ПРИВЕТ,   мир!!! ", "привет мир"),
        ("Ёлка", "елка"),
        ("за\u0301мок", "замок"),
        ("«Wi‑Fi» — есть?", "wi fi есть"),
        ("What's up", "whats up"),
        ("ﬁle №５", "file no5"),
        ("?!… 😀", ""),
        ("Straße", "strasse"),
    ],
)
def test_normalise_folds_spellings(written: str, same: str) -> None:
    assert normalise(written) == same


@pytest.mark.parametrize("text", ["привет", "Привет", "ПРИВЕТ!!!", "  привет ?", "добрый   день", "здравствуйте"])
def test_exact_match_ignores_case_and_punctuation(text: str) -> None:
    match = INDEX.lookup(text, "ru")
    assert match is not None
    assert (match.entry_id, match.rule, match.score) == (1, "exact", EXACT_SCORE)


def test_match_trigger_is_original_text() -> None:
    match = INDEX.lookup("здравствуйте", None)
    assert match is not None
    assert match.trigger == "Здравствуйте."


@pytest.mark.parametrize(
    "text", ["", "?", "...", "   ", "п", "а!", "😀", "приветик", "пр", "приветствую вас", "доставкам"]
)
def test_lookup_short_or_partial_text_finds_nothing(text: str) -> None:
    assert INDEX.lookup(text, None) is None


@pytest.mark.parametrize(
    ("text", "id"),
    [("а какая у вас цена доставки в Тулу?", 2), ("Доставка, часы — всё сразу", 2), ("Скажите часы  работы!", 3)],
)
def test_keyword_matches_consecutive_words(text: str, id: int) -> None:
    match = INDEX.lookup(text, None)
    assert match is not None
    assert (match.entry_id, match.rule, match.score) == (id, "keyword", KEYWORD_SCORE)


@pytest.mark.parametrize("text", ["часы моей работы", "работы часы", "предоставка", "часыработы"])
def test_keyword_ignores_scattered_and_partial_words(text: str) -> None:
    assert INDEX.lookup(text, None) is None


@pytest.mark.parametrize(("others", "id"), [(12, 3), (13, None), (2000, None)])
def test_keyword_allows_twelve_other_words(others: int, id: int | None) -> None:
    for before in (0, others // 2, others):
        text = " ".join(["слово"] * before + ["часы работы"] + ["слово"] * (others - before))
        assert _found(INDEX, text) == id


def test_keyword_limit_counts_words_besides_phrase() -> None:
    index = _index(_entry(1, "один", keywords=("доставка",)), _entry(2, "два", keywords=("доставка в москву",)))
    assert _found(index, "доставка в Москву" + " слово" * 12) == 2


def test_exact_match_beats_longest_keyword() -> None:
    index = _index(
        _entry(1, "один", keywords=("доставка",)),
        _entry(2, "два", keywords=("доставка в москву",)),
        _entry(3, "доставка в москву бесплатно"),
    )
    assert _found(index, "сколько доставка в Москву стоит") == 2
    assert _found(index, "Доставка в Москву бесплатно?") == 3


def test_ties_go_to_locale_then_lower_id() -> None:
    index = _index(
        _entry(7, "wifi", keywords=("internet",), language="ru"),
        _entry(9, "wifi", keywords=("internet",), language="en"),
        _entry(8, "wifi", keywords=("internet",), language="en"),
    )
    for text in ("WiFi?", "the internet please"):
        assert [_found(index, text, locale) for locale in ("ru", "en", "en-US", "de", None)] == [7, 8, 8, 7, 7]


def test_disabled_entries_never_match() -> None:
    index = _index(_entry(1, "привет", enabled=False, keywords=("пока",)), _entry(2, "другое", keywords=("я", "?")))
    assert [_found(index, text) for text in ("привет", "пока", "это я", "?")] == [None] * 4


@given(st.text(max_size=40), st.lists(st.text(min_size=2, max_size=20), max_size=6))
def test_keyword_match_equals_plain_search(message: str, keywords: list[str]) -> None:
    index = _index(_entry(1, "совсем другой вопрос", keywords=tuple(keywords)))
    expected = any(
        len(normalise(k)) >= 2
        and f" {normalise(k)} " in f" {normalise(message)} "
        and len(normalise(message)) >= 2
        and len(normalised_words(message)) - len(normalised_words(k)) <= MAX_OTHER_WORDS
        for k in keywords
    )
    assert (index.lookup(message, None) is not None) == expected


@pytest.mark.parametrize(
    ("language", "text"), [("ru", "14:05, понедельник, 23.11.2026"), ("en", "14:05, Monday, November 23, 2026")]
)
def test_placeholders_use_time_zone_and_language(language: str, text: str) -> None:
    index = _index(_entry(1, "что", answer="{current_time}, {day_of_week}, {current_date}", language=language))
    match = index.lookup("что", None)
    assert match is not None
    assert match.text == text


def test_placeholder_day_depends_on_time_zone() -> None:
    late = ExactMatchIndex(
        (_entry(1, "день", answer="{day_of_week}"),), "Pacific/Kiritimati", lambda: NOW.replace(hour=23)
    )
    match = late.lookup("день", None)
    assert match is not None
    assert match.text == "вторник"


@pytest.mark.parametrize("answer", ["{}", "{name}", "{{current_time", "{current_time", "50 % {0} {current_timex}"])
def test_placeholders_keep_other_braces(answer: str) -> None:
    assert render_placeholders(answer, "ru", NOW) == answer


def test_unknown_time_zone_is_rejected() -> None:
    with pytest.raises(InvalidRequest, match="Mars/Base"):
        _index(time_zone="Mars/Base")


@pytest.mark.parametrize(
    ("message", "candidates"),
    [
        ("привет", [(1, "exact", ())]),
        ("доставка, то есть цена доставки", [(2, "keyword", ()), (2, "keyword", ("nearer",))]),
        ("доставка не нужна", [(2, "keyword", ("negation",))]),
        ("погода", []),
    ],
)
def test_explain_exact_candidates(message: str, candidates: list[tuple[int, str, tuple[str, ...]]]) -> None:
    report = INDEX.explain(message, "ru", 5)
    assert [(each.match.entry_id, each.match.rule, each.refusals) for each in report.candidates] == candidates
    assert report.match == INDEX.lookup(message, "ru")
