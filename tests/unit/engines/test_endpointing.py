"""Utterances in speech probabilities, and differences of transcripts."""

import pytest

from deployments.contracts.speech import WordChange
from deployments.engines.recognition.endpointing import Edge, Endpointer
from deployments.engines.recognition.word_changes import word_changes


def edges(frames: str, silence_ms: int = 96) -> list[Edge]:
    """``#`` is a frame of speech, ``-`` one in doubt, ``.`` silence."""
    endpointer = Endpointer(silence_ms)
    found = [endpointer.feed({"#": 0.9, "-": 0.4, ".": 0.1}[frame]) for frame in frames]
    return [edge for edge in (*found, endpointer.finish()) if edge]


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        ("", []),
        ("......", []),
        ("..#..#..", []),
        ("..----..", []),
        ("..###...", [Edge(True, 2, 3), Edge(False, 5, 7)]),
        ("..##..##", [Edge(True, 2, 3), Edge(False, 8, 8)]),
        ("..##--.-...", [Edge(True, 2, 3), Edge(False, 8, 10)]),
        ("##...##...", [Edge(True, 0, 1), Edge(False, 2, 4), Edge(True, 5, 6), Edge(False, 7, 9)]),
    ],
)
def test_endpointer_finds_utterances(frames: str, found: list[Edge]) -> None:
    assert edges(frames) == found


def test_endpointer_cuts_long_speech_and_waits_for_silence() -> None:
    assert [edge.begins for edge in edges("#" * 1_000)] == [True, False, True, False]
    assert len(edges("##" + "." * 30 + "##", silence_ms=1_000)) == 2


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        ("привет мир", "Привет, мир!", ()),
        ("ещё раз", "Еще раз.", ()),
        ("запишите на вторник", "Запишите меня на среду.", (WordChange("", "меня"), WordChange("вторник", "среду."))),
        ("", "да", (WordChange("", "да"),)),
    ],
)
def test_word_changes_ignore_case_and_punctuation(first: str, second: str, changes: tuple[WordChange, ...]) -> None:
    assert word_changes(first, second) == changes
