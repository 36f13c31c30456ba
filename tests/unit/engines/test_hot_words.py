"""The likeliest of several texts, when some words are expected."""

import pytest

from deployments.engines.recognition.hot_words import HotWords, likeliest, spellings


def text(confidence: float, words: str) -> dict[str, object]:
    times = enumerate(words.split())
    return {
        "text": words,
        "confidence": confidence,
        "result": [{"word": word, "start": 1.0 * n, "end": n + 0.9} for n, word in times],
    }


TEXTS = (
    text(210.0, "запишите к алле петровой"),
    text(209.0, "запишите к анне петровой"),
    text(208.5, "запишите канне петровой"),
    text(190.0, "запишите к элле петровой"),
)


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (["Москва"], 0),
        (["Анне"], 1),
        (["  Анне   ПЕТРОВОЙ! "], 1),
        (["к Алле", "Анне"], 0),
        (["канн", "—"], 0),
        (["канне"], 2),
        (["Элле", "Элле Петровой", "к Элле", "запишите", "петровой", "запишите к Элле"], 0),
    ],
)
def test_hot_words_choose_among_likely_texts(phrases: list[str], expected: int) -> None:
    words = [word["word"] for word in likeliest(TEXTS, HotWords(phrases))]
    assert " ".join(words) == TEXTS[expected]["text"]


def test_yo_and_case_make_no_difference() -> None:
    both = text(10, "еж уехал"), text(9, "ёж приехал")
    assert [word["word"] for word in likeliest(both, HotWords(["Приехал"]))] == ["ёж", "приехал"]
    assert [word["word"] for word in likeliest(both, HotWords(["ЁЖ"]))] == ["еж", "уехал"]
    assert {"елена", "ёлена"} <= set(spellings("Ёлена"))
    assert "пётр" in spellings("Петр")


def test_word_of_every_text_is_sure() -> None:
    sure = {word["word"]: round(word["conf"], 2) for word in likeliest(TEXTS[:2], HotWords(["петровой"]))}
    assert sure == {"запишите": 1.0, "к": 1.0, "алле": 0.73, "петровой": 1.0}
    assert likeliest([{"text": "", "confidence": 1.0}], HotWords(["да"])) == []
