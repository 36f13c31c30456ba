"""Splitting streamed text into pieces for speech."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.text.sentences import SentenceStream, split_sentences

SINGLE_SENTENCES = [
    "Наш адрес: г. Москва, ул. Ленина, д. 5, корп. 2.",
    "А. С. Пушкин и Л. Н. Толстой.",
    "Это стоит 10.5 тыс. руб. в месяц, т.е. 3,14 долл. в день.",
    "Версия 2.0.1 от 25.12.2026 вышла в 14:30.",
    "См. рис. 5 на стр. 12.",
    "Пишите на info@example.com или смотрите https://example.com/a.b?c=d.e сегодня.",
    "«Привет!» — сказал он.",
    "Он подумал… и ушёл.",
    "Договор № 5 и № 6 подписан.",
    "Он жил в 5 в. до н. э. в Риме.",
    "Mr. Smith met Dr. J. R. Jones at 5 p.m. in St. Petersburg.",
    "He paid $3.50, e.g. for tea, i.e. a drink.",
    "No. 5 is alive.",
    "1. Первый пункт.",
    "Он сказал: «Да!», и ушёл.",
]
SPLIT_TEXTS = [
    ("Да. Нет! Что? Всё…", ["Да.", "Нет!", "Что?", "Всё…"]),
    ("Чай, сахар и т.д. Потом хлеб и т. п. Всё.", ["Чай, сахар и т.д.", "Потом хлеб и т. п.", "Всё."]),
    ("Родился в 1799 г. Он поэт.", ["Родился в 1799 г.", "Он поэт."]),
    ("Стоит 500 руб. Дорого.", ["Стоит 500 руб.", "Дорого."]),
    ("No. Thanks. Apple Inc. It is big.", ["No.", "Thanks.", "Apple Inc.", "It is big."]),
    ("Он сказал «да.» Потом ушёл. (Так и было.) Конец", ["Он сказал «да.»", "Потом ушёл.", "(Так и было.)", "Конец"]),
    ("Список:\n- один\n- два\n\nИтог", ["Список:", "- один", "- два", "Итог"]),
    ("Стало 5. Потом 6.", ["Стало 5.", "Потом 6."]),
    ("**Готово!** Дальше", ["**Готово!**", "Дальше"]),
    ("Really?! Yes... Maybe", ["Really?!", "Yes...", "Maybe"]),
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                ".",
                "!",
                "?",
                "…",
                ",",
                ";",
                ":",
                "—",
                "-",
                "\n",
                "г.",
                "т.е.",
                "и",
                "что",
                "Mr.",
                "5",
                "10.5",
                "»",
                "«",
                "(",
                ")",
                "```",
                "А.",
                "слово",
                "Слово",
                "word",
                "Word",
                "https://a.b",
            ]
        ),
        st.sampled_from((" ", "  ", "\n", "\u00a0", "\t")),
        st.text(max_size=6),
    ),
    max_size=60,
).map("".join)


@pytest.mark.parametrize("text", SINGLE_SENTENCES)
def test_full_stop_inside_sentence_does_not_split(text: str) -> None:
    assert split_sentences(f"{text} Дальше.") == [text, "Дальше."]


@pytest.mark.parametrize(("text", "pieces"), SPLIT_TEXTS)
def test_split_at_sentence_ends(text: str, pieces: list[str]) -> None:
    assert split_sentences(text) == pieces


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(0, 9), max_size=40), st.booleans(), st.sampled_from((20, 60, 300)))
def test_pieces_do_not_depend_on_deltas(text: str, cuts: list[int], first_clause: bool, max_chars: int) -> None:
    def stream() -> SentenceStream:
        return SentenceStream(None, first_clause, first_min=10, first_max=20, max_chars=max_chars)

    whole, letters, blocks, rest = stream(), stream(), stream(), text
    expected = whole.feed(text) + whole.finish()
    assert [piece for letter in text for piece in letters.feed(letter)] + letters.finish() == expected
    pieces = []
    for size in cuts:
        pieces += blocks.feed(rest[:size])
        rest = rest[size:]
    assert pieces + blocks.feed(rest) + blocks.finish() == expected
    assert "".join("".join(expected).split()) == "".join(text.split())
    assert all(piece and piece == piece.strip() for piece in expected)
    assert all(len(piece) <= max_chars or piece.startswith("```") for piece in expected)


@given(st.text(), st.integers(1, 50))
def test_buffer_is_bounded(text: str, times: int) -> None:
    stream = SentenceStream(max_chars=60)
    for _ in range(times):
        stream.feed(text.replace("`", ""))
        assert len(stream.pending) <= 60


def test_number_at_end_waits_for_next_character() -> None:
    stream = SentenceStream(first_clause=False)
    assert stream.feed("Цена 10.") == []
    assert stream.feed("5 рублей. ") == []
    assert stream.feed("В") == ["Цена 10.5 рублей."]
    assert stream.finish() == ["В"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Конечно, я вам помогу, если вы скажете, какой товар вас интересует.", "Конечно, я вам помогу,"),
        (
            "Добрый день — мы работаем ежедневно с девяти до шести без обеда.",
            "Добрый день — мы работаем ежедневно с девяти до шести",
        ),
        ("Да. Мы открыты.", "Да."),
        ("Sure, I can help you with that, just tell me your name.", "Sure, I can help you with that,"),
        (
            "Наша компания предлагает широкий выбор услуг которые помогут вам решить задачи",
            "Наша компания предлагает широкий выбор услуг",
        ),
        (
            "Our company offers a broad range of useful services and products for your daily business",
            "Our company offers a broad range of useful services",
        ),
    ],
)
def test_first_piece_is_an_early_clause(text: str, first: str) -> None:
    assert split_sentences(text, first_clause=True)[0] == first


@given(
    st.lists(
        st.sampled_from(["да,", "нет,", "конечно,", "работаем", "если", "когда", "город", "чтобы"]),
        min_size=20,
        max_size=80,
    )
)
def test_first_piece_of_long_sentence_is_bounded(words: list[str]) -> None:
    assert 15 <= len(split_sentences(" ".join(words), first_clause=True)[0]) <= 60


def test_later_pieces_are_whole_sentences() -> None:
    pieces = split_sentences("Первая часть фразы, вторая часть. Другая фраза, тоже с запятой.", first_clause=True)
    assert pieces == ["Первая часть фразы,", "вторая часть.", "Другая фраза, тоже с запятой."]


def test_long_sentence_is_cut_at_clause_then_space() -> None:
    assert split_sentences("а" * 30 + ", " + "б" * 10 + " " + "в" * 30, max_chars=60) == [
        "а" * 30 + ",",
        "б" * 10 + " " + "в" * 30,
    ]
    assert split_sentences("а" * 30 + " " + "б" * 50, max_chars=60) == ["а" * 30, "б" * 50]
    assert split_sentences("а" * 100, max_chars=60) == ["а" * 60, "а" * 40]


def test_code_block_is_one_piece() -> None:
    assert split_sentences("Код:\n```py\nprint(1). X\n```\nВсё.") == ["Код:", "```py\nprint(1). X\n```", "Всё."]


def test_invalid_limits_raise() -> None:
    with pytest.raises(ValueError):
        SentenceStream(first_min=100, first_max=60)


def test_abbreviations_depend_on_language() -> None:
    assert split_sentences("См. Дом.", "en") == ["См.", "Дом."]
    assert split_sentences("См. Дом.", "ru") == split_sentences("См. Дом.") == ["См. Дом."]
