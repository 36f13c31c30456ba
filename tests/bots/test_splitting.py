"""Long texts are split into messages."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from bots.telegram.splitting import split_message, utf16_length

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=400)
PROSE = st.text(st.sampled_from("аб. \n!😀é\u0301"), max_size=400)


def visible(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=30, deadline=None)
@given(TEXT | PROSE, st.integers(2, 60))
def test_split_pieces_fit_and_lose_nothing(text: str, limit: int) -> None:
    pieces = split_message(text, limit)
    assert all(0 < utf16_length(piece) <= limit for piece in pieces)
    assert all(piece.strip() for piece in pieces)
    assert visible("".join(pieces)) == visible(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("абвгд", min_size=1, max_size=10), max_size=60))
def test_split_keeps_short_words_whole(words: list[str]) -> None:
    pieces = split_message(" ".join(words), 20)
    assert [word for piece in pieces for word in piece.split()] == words


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=300))
def test_split_pieces_are_encodable(text: str) -> None:
    for piece in split_message(text + "\ud83d", 7):
        piece.encode("utf-16-le")


def test_split_returns_short_text_as_one_piece() -> None:
    assert split_message("  Привет!\n") == ("Привет!",)
    assert split_message(" \n ") == ()


def test_split_counts_emoji_as_two_units() -> None:
    assert utf16_length("😀") == 2
    assert [len(piece) for piece in split_message("😀" * 3000)] == [2048, 952]


def test_split_prefers_paragraph_line_sentence_word() -> None:
    assert split_message("Один два.\nТри.\n\nЧетыре пять шесть", 20) == ("Один два.\nТри.", "Четыре пять шесть")
    assert split_message("Один. Два\nтри четыре пять шесть", 20) == ("Один. Два", "три четыре пять", "шесть")
    assert split_message("Один два. Три четыре пять", 20) == ("Один два.", "Три четыре пять")
    assert split_message("один два три четыре", 12) == ("один два три", "четыре")


def test_split_ignores_boundary_near_start() -> None:
    assert split_message("Да.\n" + "слово " * 10, 30)[0] == "Да.\nслово слово слово слово"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.text("xy=+", min_size=1, max_size=8)), min_size=1, max_size=40))
def test_split_keeps_indentation_of_lines(lines: list[tuple[int, str]]) -> None:
    code = [" " * depth + text for depth, text in lines]
    pieces = split_message("def f():\n" + "\n".join(code), 40)
    assert [line for piece in pieces for line in piece.split("\n")] == ["def f():", *code]


def test_split_cuts_line_longer_than_message() -> None:
    pieces = split_message("а" * 10_000)
    assert [len(piece) for piece in pieces] == [4096, 4096, 1808]


def test_split_keeps_grapheme_clusters_whole() -> None:
    flags = split_message("🇷🇺" * 10, 7)
    assert set("".join(flags)) == set("🇷🇺")
    assert all(len(piece) % 2 == 0 for piece in flags)
    assert all(not unicodedata.combining(piece[0]) for piece in split_message("е\u0301" * 20, 5))
    assert split_message("ааа👨‍👩‍👧", 10) == ("ааа", "👨‍👩‍👧")
    assert split_message("ааа👍🏽", 6) == ("ааа", "👍🏽")
