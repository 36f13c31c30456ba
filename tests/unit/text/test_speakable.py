import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.labelled import labelled_texts
from deployments.text.speakable import to_speakable_text

STRUCTURE = [
    ("# Привет, **мир**! Смотрите [сайт](https://a.b/c) 😀", "Привет, мир! Смотрите сайт"),
    ("| Имя | Цена |\n|---|---|\n| Чай | 100 ₽ |", "Имя, Цена. Чай, сто рублей"),
    ("- один\n- два", "один. Два"),
    ("```py\nx = 1\n```\nГотово", "Готово"),
    ("<p>Ответ: <b>да</b></p>", "Ответ: да"),
    ("Стоит 10,50 ₽", "Стоит десять рублей пятьдесят копеек"),
    ("3 млн руб. Дорого", "три миллиона рублей. Дорого"),
    ("iPhone 15 Pro", "iPhone пятнадцать Pro"),
]
FRAGMENTS = (
    *("12", "0", "1-й", "2-ми", "99.99.9999", "25:61", "14:30", "9-00", "-", "–", ".", ",", "%", "$", "₽", "**", "_"),
    *("`", "```", "[a](b)", "<b>", "<", "|", "№", "°C", "+7", "руб.", "млн", "год", "st", "@", "XIX", "http://a"),
    *("😀", "²", "~", "&amp;", "пн", "M", "PM", " ", "\n"),
)
WRITTEN = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.text(max_size=5),
        st.integers(0, 10**20).map(str),
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_speakable_labelled_texts_read_rightly(language: str) -> None:
    readings = [(text, to_speakable_text(text.text, language)) for text in labelled_texts(language)]
    wrong = [(text.text, reading) for text, reading in readings if not text.is_read_as(reading)]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(("text", "said"), STRUCTURE)
def test_speakable_drops_marks_and_markup(text: str, said: str) -> None:
    assert to_speakable_text(text, "ru") == said


@settings(deadline=None, max_examples=150)
@given(WRITTEN, st.sampled_from(("ru", "en")))
def test_speakable_leaves_no_digit_in_any_text(text: str, language: str) -> None:
    said = to_speakable_text(text, language)
    assert not any(character.isdigit() for character in said)
    assert said == "" or any(character.isalnum() for character in said)
    assert "\n" not in said


@settings(deadline=None)
@given(st.text(), st.text(max_size=5))
def test_speakable_never_raises(text: str, language: str) -> None:
    to_speakable_text(text, language)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("unit", ["1 ", "9:00-", "a<", "10² ", "1 2 ", "$1", "00 ", "&lt;", "I.", "+7 "])
def test_speakable_time_grows_with_length(unit: str, language: str) -> None:
    to_speakable_text("1", language)

    def cost(length: int) -> float:
        began = time.process_time()
        to_speakable_text((unit * length)[:length], language)
        return time.process_time() - began

    assert cost(2400) < 12 * cost(600) + 0.2


@pytest.mark.parametrize("text", ["", "   ", "😀", "***", "---", "...", "!?", "```x```", "|---|---|", "👍🏽 🇷🇺"])
def test_speakable_empty_when_nothing_to_say(text: str) -> None:
    assert to_speakable_text(text, "ru") == ""


def test_speakable_other_language_keeps_digits() -> None:
    assert to_speakable_text("**Guten Tag**, 5 Uhr", "de") == "Guten Tag, 5 Uhr"
