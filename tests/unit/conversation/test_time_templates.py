"""Sentences that say the time: divided so that the parts say what the whole says."""

from datetime import UTC, datetime

import pytest

from deployments.contracts.faq_entry import FaqEntry
from deployments.conversation.ready.time_templates import TimeTemplates, divide
from deployments.text.speakable import to_speakable_text

NOW = datetime(2026, 11, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "language", "said", "constants"),
    [
        ("Сейчас {current_time}.", "ru", "Сейчас 09:41.", ["Сейчас"]),
        ("Сейчас {current_time}, {day_of_week}.", "ru", "Сейчас 21:30, вторник.", ["Сейчас", "вторник."]),
        ("It is {current_time} now, and we are open until 18:00.", "en", "It is 00:05 now,", ["It is", "now,"]),
        ("{current_time} is the time.", "en", "13:00 is the time.", ["is the time."]),
        ("At {current_time}, at {current_time}.", "en", "At 13:00, at 14:00.", ["At", "at"]),
    ],
)
def test_parts_say_what_the_sentence_says(answer: str, language: str, said: str, constants: list[str]) -> None:
    templates = TimeTemplates()
    templates.update((FaqEntry(question="qq", answer=answer, language=language),), "Europe/Moscow", NOW)
    forms = [to_speakable_text(constant, language) for constant in templates.constants(said)]
    whole = to_speakable_text(said, language)
    parts = divide(whole, forms)
    assert [part.text for part in parts if part.constant] == constants
    assert _words(" ".join(part.text for part in parts)) == _words(whole)


def test_other_sentences_are_no_templates() -> None:
    templates = TimeTemplates()
    templates.update((FaqEntry(question="qq", answer="Сейчас {current_time}."),), "nowhere/at all", NOW)
    assert templates.constants("Открыто до 18:00.") == templates.constants("Сейчас.") == ()
    assert divide("Сейчасный час", ["Сейчас"]) == divide("час", ["Сейчас"]) == []


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()
