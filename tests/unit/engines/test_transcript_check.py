"""Which segments of a recognizer were spoken. The invented texts are those of Whisper for short sounds."""

import pytest

from deployments.contracts.speech import TranscriptSegment, Word
from deployments.engines.recognition.transcript_check import SpeechSpan, TranscriptCheck


def segment(text: str, start: float = 0.0, end: float = 2.0, **facts: float) -> TranscriptSegment:
    return TranscriptSegment(7, text, start, end, avg_logprob=facts.pop("logprob", -0.5), **facts)


def kept(text: str, seconds: float, **facts: float) -> bool:
    """Whether ``text`` is accepted for a recording that is speech from start to end."""
    check = TranscriptCheck(seconds, [SpeechSpan(0.0, seconds)])
    return check.accept(segment(text, 0.0, seconds, **facts)) is not None


@pytest.mark.parametrize(
    ("text", "seconds", "facts"),
    [
        ("Субтитры сделал DimaTorzok", 0.18, {}),
        ("Субтитры сделал DimaTorzok", 5.0, {}),
        ("Редактор субтитров А.Семкин Корректор А.Егорова", 9.0, {}),
        ("Субтитры создавал Максим Иванов", 6.0, {}),
        ("Subtitles by the Amara.org community", 6.0, {}),
        ("Продолжение следует...", 3.0, {}),
        ("Спасибо за просмотр!", 3.0, {}),
        ("Thank you for watching!", 3.0, {}),
        ("Thanks for watching.", 0.3, {}),
        ("Please subscribe to my channel.", 5.0, {}),
        ("Я не знаю, что мне с этим делать.", 0.4, {}),
        ("I'm sorry, I'm sorry, I'm sorry.", 1.4, {}),
        ("Ребята! Ребята! Ребята!", 1.0, {}),
        ("Ну, в общем, да. " * 20, 30.0, {}),
        ("СПОКОЙНАЯ МУЗЫКА", 2.0, {}),
        ("[музыка]", 2.0, {}),
        ("(coughing)", 2.0, {}),
        ("♪♪", 2.0, {}),
        ("...", 1.0, {}),
        ("", 1.0, {}),
        ("Стой!", 0.45, {"logprob": -1.4}),
        ("Да, конечно.", 5.0, {"logprob": -1.6}),
        ("You", 0.5, {"logprob": -0.98, "no_speech_prob": 0.66}),
    ],
)
def test_invented_text_is_dropped(text: str, seconds: float, facts: dict[str, float]) -> None:
    assert not kept(text, seconds, **facts)


@pytest.mark.parametrize(
    ("text", "seconds", "facts"),
    [
        ("Да.", 0.1, {}),
        ("Yes", 0.12, {}),
        ("Алло", 0.15, {}),
        ("Здравствуйте!", 0.5, {}),
        ("3", 0.3, {"logprob": -1.0}),
        ("Нет, нет, нет, нет.", 1.2, {}),
        ("Алло, алло, алло!", 1.5, {}),
        ("Спасибо, спасибо, спасибо!", 1.9, {}),
        ("88005553535", 4.0, {}),
        ("Я работаю в МТС.", 1.5, {}),
        ("США", 0.6, {}),
        ("Спасибо за звонок.", 1.1, {}),
        ("Закажите субтитры к фильму.", 2.0, {}),
        ("How do I subscribe to the newsletter?", 2.4, {}),
        ("Thank you for calling.", 1.0, {}),
        ("Да, конечно, я перезвоню завтра.", 3.0, {"logprob": -1.3}),
        ("Нет", 0.4, {"no_speech_prob": 0.7}),
    ],
)
def test_spoken_text_is_kept(text: str, seconds: float, facts: dict[str, float]) -> None:
    assert kept(text, seconds, **facts)


def test_segments_lie_within_the_sound_in_order() -> None:
    check = TranscriptCheck(1.0, [SpeechSpan(0.0, 1.0)])
    words = (Word("Да,", -0.2, 0.4), Word("да.", 0.3, 2.0))
    first = check.accept(TranscriptSegment(3, "Да, да.", -0.2, 0.6, words))
    second = check.accept(segment("Нет.", 0.4, 28.0))
    assert first is not None
    assert second is not None
    assert (first.id, first.start, first.end, second.id, second.start, second.end) == (0, 0.0, 0.6, 1, 0.6, 1.0)
    assert [(word.start, word.end) for word in first.words] == [(0.0, 0.4), (0.4, 0.6)]
    assert check.accept(segment("Ага.", 1.0, 2.0)) is None


def test_text_outside_speech_is_dropped() -> None:
    check = TranscriptCheck(10.0, [SpeechSpan(1.0, 2.0)])
    assert check.accept(segment("Добрый день.", 1.0, 2.2))
    assert check.accept(segment("Спасибо.", 5.0, 7.0)) is None


def test_a_repeated_segment_is_dropped() -> None:
    check = TranscriptCheck(30.0, [SpeechSpan(0.0, 30.0)])
    texts = ["И всё такое."] * 5 + ["Алло."] * 4 + ["Слышно?"]
    found = [check.accept(segment(text, 2.0 * n, 2.0 * n + 2)) for n, text in enumerate(texts)]
    assert [each.text for each in found if each] == ["И всё такое."] * 2 + ["Алло."] * 4 + ["Слышно?"]
    assert [each.id for each in found if each] == list(range(7))
