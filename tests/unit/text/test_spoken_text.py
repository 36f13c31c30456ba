"""Where another voice goes on: no clause is lost, and no more than one is repeated."""

import pytest

from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.text.spoken_text import SpokenText, clause_starts

TEXT = "Добрый день, вы позвонили в клинику: мы работаем с девяти, кроме воскресенья. Ждём вас!"


def audio(seconds: float, spoken: float | None = None) -> SpeechChunk:
    return SpeechChunk(bytes(PCM16_8K.size(seconds)), PCM16_8K, spoken=spoken)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        (
            TEXT,
            ["Добрый день, ", "вы позвонили в клинику: ", "мы работаем с девяти, ", "кроме воскресенья. ", "Ждём вас!"],
        ),
        ("Он сказал: «да», и ушёл", ["Он сказал: ", "«да», ", "и ушёл"]),
        ("Version 3.5 at 10:30", ["Version 3.5 at 10:30"]),
        ("你好，世界。再见", ["你好，", "世界。", "再见"]),
        ("", [""]),
    ],
)
def test_clauses_of_a_text(text: str, clauses: list[str]) -> None:
    starts = clause_starts(text)
    assert [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)] == clauses


def test_clause_without_marks_is_divided_between_words() -> None:
    text = "слово " * 60
    starts = clause_starts(text)
    assert max(b - a for a, b in zip(starts, [*starts[1:], len(text)], strict=True)) <= 80
    assert all(start == 0 or text[start - 1] == " " for start in starts)
    assert len(clause_starts("x" * 500)) == 7


@pytest.mark.parametrize("share", [number / 100 for number in range(101)])
def test_rest_repeats_less_than_a_clause_and_loses_nothing(share: float) -> None:
    spoken = SpokenText(TEXT)
    assert spoken.begin() == TEXT
    spoken.add(audio(0.2, share))
    rest = spoken.begin()
    position, start = share * len(TEXT), len(TEXT) - len(rest)
    starts = [*clause_starts(TEXT), len(TEXT)]
    assert start in starts
    assert len(TEXT[:start].rstrip()) <= position + 0.5
    assert all(clause <= start or clause > position for clause in starts)


@pytest.mark.parametrize("rate", [13, 15, 17])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_rest_of_an_engine_that_tells_nothing_loses_nothing(rate: float, speed: float) -> None:
    for said in range(1, len(TEXT)):
        spoken = SpokenText(TEXT, speed)
        spoken.begin()
        spoken.add(audio(said / rate / speed))
        rest = spoken.begin()
        assert rest
        assert len(TEXT) - len(rest) <= said + 1


def test_text_that_is_spoken_has_no_rest() -> None:
    for text, share in ((TEXT, 1.0), ("Да, да. ...", 8 / 11)):
        spoken = SpokenText(text)
        spoken.begin()
        spoken.add(audio(1, share))
        assert spoken.begin() == ""
    assert SpokenText("...").begin() == "..."


def test_parts_follow_one_another() -> None:
    spoken = SpokenText(TEXT)
    spoken.begin()
    spoken.add(audio(1, 0.25))
    assert spoken.begin(first_clause=True) == "вы позвонили в клинику: "
    spoken.end_part()
    assert spoken.begin(first_clause=True) == "мы работаем с девяти, "
    spoken.add(audio(0.2, 0.5))
    assert spoken.begin() == TEXT[TEXT.index("мы") :]
    spoken.add(audio(0.2, 1.0))
    assert (spoken.share, spoken.begin()) == (1.0, "")
