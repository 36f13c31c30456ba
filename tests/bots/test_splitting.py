"""Long answers become messages a reader would not mind."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bots.telegram.splitting import split_message, utf16_length

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=400)
PROSE = st.text(st.sampled_from("аб. \n!😀é\u0301"), max_size=400)


def visible(text: str) -> str:
    return "".join(text.split())


@given(TEXT | PROSE, st.integers(2, 60))
def test_pieces_fit_are_not_empty_and_lose_nothing(text: str, limit: int) -> None:
    pieces = split_message(text, limit)
    assert all(0 < utf16_length(piece) <= limit for piece in pieces)
    assert all(piece.strip() for piece in pieces)
    assert visible("".join(pieces)) == visible(text)


@given(st.lists(st.text("абвгд", min_size=1, max_size=10), max_size=60))
def test_words_that_fit_are_never_torn(words: list[str]) -> None:
    pieces = split_message(" ".join(words), 20)
    assert [word for piece in pieces for word in piece.split()] == words


@given(st.text(max_size=300))
def test_every_piece_can_be_encoded(text: str) -> None:
    for piece in split_message(text + "\ud83d", 7):
        piece.encode("utf-16-le")


def test_a_short_text_is_one_piece() -> None:
    assert split_message("  Привет!\n") == ("Привет!",)
    assert split_message(" \n ") == ()


def test_emoji_count_twice() -> None:
    assert utf16_length("😀") == 2
    assert [len(piece) for piece in split_message("😀" * 3000)] == [2048, 952]


def test_the_end_of_a_paragraph_is_preferred_then_a_line_then_a_sentence_then_a_word() -> None:
    assert split_message("Один два.\nТри.\n\nЧетыре пять шесть", 20) == ("Один два.\nТри.", "Четыре пять шесть")
    assert split_message("Один. Два\nтри четыре пять шесть", 20) == ("Один. Два", "три четыре пять", "шесть")
    assert split_message("Один два. Три четыре пять", 20) == ("Один два.", "Три четыре пять")
    assert split_message("один два три четыре", 12) == ("один два три", "четыре")


def test_a_boundary_that_would_leave_a_stub_is_not_taken() -> None:
    assert split_message("Да.\n" + "слово " * 10, 30)[0] == "Да.\nслово слово слово слово"


@given(st.lists(st.tuples(st.integers(0, 8), st.text("xy=+", min_size=1, max_size=8)), min_size=1, max_size=40))
def test_lines_of_code_keep_their_indentation(lines: list[tuple[int, str]]) -> None:
    code = [" " * depth + text for depth, text in lines]
    pieces = split_message("def f():\n" + "\n".join(code), 40)
    assert [line for piece in pieces for line in piece.split("\n")] == ["def f():", *code]


def test_a_single_line_longer_than_a_message_is_cut() -> None:
    pieces = split_message("а" * 10_000)
    assert [len(piece) for piece in pieces] == [4096, 4096, 1808]


def test_flags_families_and_accents_stay_whole() -> None:
    flags = split_message("🇷🇺" * 10, 7)
    assert set("".join(flags)) == set("🇷🇺")
    assert all(len(piece) % 2 == 0 for piece in flags)
    assert all(not unicodedata.combining(piece[0]) for piece in split_message("е\u0301" * 20, 5))
    assert split_message("ааа👨‍👩‍👧", 10) == ("ааа", "👨‍👩‍👧")
    assert split_message("ааа👍🏽", 6) == ("ааа", "👍🏽")
