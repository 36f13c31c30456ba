"""Converting written text to speakable text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.text.speakable import to_speakable_text

RUSSIAN = [
    ("# Привет, **мир**! Смотрите [сайт](https://a.b/c) 😀", "Привет, мир! Смотрите сайт"),
    ("Цена 1 500 ₽, скидка 15%", "Цена одна тысяча пятьсот рублей, скидка пятнадцать процентов"),
    ("Стоит 10,50 ₽", "Стоит десять рублей пятьдесят копеек"),
    ("1 000 000 € и 21 ₽", "один миллион евро и двадцать один рубль"),
    ("3 млн руб. Дорого", "три миллиона рублей. Дорого"),
    ("до 15 минут, около 20%", "до пятнадцати минут, около двадцати процентов"),
    (
        "приём 25.12.2026 в 14:30",
        "приём двадцать пятого декабря две тысячи двадцать шестого года в четырнадцать тридцать",
    ),
    ("Сегодня 2026-11-23", "Сегодня двадцать третье ноября две тысячи двадцать шестого года"),
    ("с 9:00 до 18:00", "с девяти часов до восемнадцати часов"),
    ("9:00–18:00", "с девяти часов до восемнадцати часов"),
    ("в 13:05", "в тринадцать ноль пять"),
    ("+7 (495) 123-45-67", "плюс семь, четыреста девяносто пять, сто двадцать три, сорок пять, шестьдесят семь"),
    ("8-800-555-35-05", "восемь, восемьсот, пятьсот пятьдесят пять, тридцать пять, ноль пять"),
    ("10-15 минут", "от десяти до пятнадцати минут"),
    ("№ 5 & №6", "номер пять и номер шесть"),
    ("1-й этаж, 2-я дверь, 5-го числа", "первый этаж, вторая дверь, пятого числа"),
    ("в 2026 году", "в две тысячи двадцать шестом году"),
    ("-5°C, 25 °С", "минус пять градусов Цельсия, двадцать пять градусов Цельсия"),
    ("info@site.ru", "info собака site точка ru"),
    ("См. https://www.my-shop.ru/a?b=1.", "См. my дефис shop точка ru."),
    ("2 минуты, 1 минуту, 2 дома, 1 окно", "две минуты, одну минуту, два дома, одно окно"),
    ("10.5 и 3,14", "десять целых пять десятых и три целых четырнадцать сотых"),
    ("версия 1.2.3", "версия один точка два точка три"),
    ("| Имя | Цена |\n|---|---|\n| Чай | 100 ₽ |", "Имя, Цена. Чай, сто рублей"),
    ("- один\n- два", "один. два"),
    ("```py\nx = 1\n```\nГотово", "Готово"),
    ("г. Москва, ул. Ленина, д. 5", "город Москва, улица Ленина, дом пять"),
    ("чай, сахар и т.д.", "чай, сахар и так далее"),
    ("iPhone 15 Pro и 5G", "iPhone пятнадцать Pro и пять G"),
    ("007", "ноль ноль семь"),
    (
        "Приём переносится на 1 марта, запись до 3 апреля.",
        "Приём переносится на первое марта, запись до третьего апреля.",
    ),
    ("Отчёт к 1 мая", "Отчёт к первому мая"),
    ("Открываемся 5 июня", "Открываемся пятого июня"),
    ("до 31 декабря 2025 г. включительно", "до тридцать первого декабря две тысячи двадцать пятого года включительно"),
    ("с 1 января 2025 г. Ждём", "с первого января две тысячи двадцать пятого года. Ждём"),
    ("Сегодня 26 ноября 2026 года.", "Сегодня двадцать шестое ноября две тысячи двадцать шестого года."),
    ("Сегодня среда, 1 мая", "Сегодня среда, первое мая"),
    ("Сегодня, 1 мая, закрыто", "Сегодня, первого мая, закрыто"),
    ("5 мая 1500 ₽", "пятого мая одна тысяча пятьсот рублей"),
    ("45 июня", "сорок пять июня"),
    ("Компания основана в 2010 году.", "Компания основана в две тысячи десятом году."),
    ("через 1 минуту.", "через одну минуту."),
    ("скидка 10%-20%", "скидка от десяти до двадцати процентов"),
    ("555-1234", "пятьсот пятьдесят пять, двенадцать, тридцать четыре"),
]
ENGLISH = [
    ("It costs $10.50 or $1,500", "It costs ten dollars and fifty cents or one thousand five hundred dollars"),
    ("$5 million; €1", "five million dollars; one euro"),
    ("On 2026-12-25 at 14:30", "On December twenty-fifth, twenty twenty-six at two thirty p.m."),
    ("12/25/2026", "December twenty-fifth, twenty twenty-six"),
    ("at 9:05, 2:30 PM and 9:00", "at nine oh five, two thirty PM and nine o'clock"),
    ("In 2026, the 23rd", "In twenty twenty-six, the twenty-third"),
    ("15% of 1,234", "fifteen percent of one thousand two hundred and thirty-four"),
    ("+1 415 555 2671", "plus one, four one five, five five five, two six, seven one"),
    ("pages 10-15, No. 5 & 6", "pages ten to fifteen, number five and six"),
    ("me@example.com", "me at example dot com"),
    ("e.g. 3.14", "for example three point one four"),
    ("Today is November 26, 2026.", "Today is November twenty-sixth, twenty twenty-six."),
    ("May 5th, 2026 or June 1", "May fifth, twenty twenty-six or June first"),
    ("June 31, March 2026", "June thirty-one, March twenty twenty-six"),
    ("10%-20% off", "ten to twenty percent off"),
    ("Call 555-1234", "Call five five five, one two, three four"),
    ("500-1000 people", "five hundred to one thousand people"),
]
WRITTEN = st.lists(
    st.one_of(
        st.sampled_from(
            ["12", "0", "1-й", "2-ми", "99.99.9999", "25:61", "14:30", "-", "–", ".", ",", "%", "$", "₽", " ", "\n"]
        ),
        st.sampled_from(
            [
                "**",
                "_",
                "`",
                "```",
                "[a](b)",
                "<b>",
                "|",
                "№",
                "°C",
                "+7",
                "руб.",
                "млн",
                "год",
                "st",
                "@",
                "http://a",
                "😀",
            ]
        ),
        st.text(max_size=5),
        st.integers(0, 10**20).map(str),
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize(("text", "said"), RUSSIAN)
def test_speakable_russian(text: str, said: str) -> None:
    assert to_speakable_text(text, "ru") == said


@pytest.mark.parametrize(("text", "said"), ENGLISH)
def test_speakable_english(text: str, said: str) -> None:
    assert to_speakable_text(text, "en") == said


@pytest.mark.parametrize(("text", "language"), [(t, "ru") for t, _ in RUSSIAN] + [(t, "en") for t, _ in ENGLISH])
def test_speakable_is_idempotent(text: str, language: str) -> None:
    once = to_speakable_text(text, language)
    assert to_speakable_text(once, language) == once


@settings(deadline=None, max_examples=300)
@given(WRITTEN, st.sampled_from(("ru", "en")))
def test_speakable_text_has_no_digits(text: str, language: str) -> None:
    said = to_speakable_text(text, language)
    assert not any(character.isdigit() for character in said)
    assert said == "" or any(character.isalnum() for character in said)
    assert "\n" not in said


@given(st.text(), st.text(max_size=5))
def test_speakable_never_raises(text: str, language: str) -> None:
    to_speakable_text(text, language)


@pytest.mark.parametrize("text", ["", "   ", "😀", "***", "---", "...", "!?", "```x```", "|---|---|", "👍🏽 🇷🇺"])
def test_unspeakable_text_becomes_empty(text: str) -> None:
    assert to_speakable_text(text, "ru") == ""


def test_other_languages_keep_digits() -> None:
    assert to_speakable_text("**Guten Tag**, 5 Uhr", "de") == "Guten Tag, 5 Uhr"
