"""The language of a question: letters of two scripts, names, short texts and languages of one script."""

import time

import pytest

from deployments.text.language import UNDETERMINED
from deployments.text.question_language import question_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Расскажи сказку про лису", "ru"),
        ("да", "ru"),
        ("ПОЧЕМУ ТРАВА ЗЕЛЁНАЯ", "ru"),
        ("Розкажи казку про їжака", "uk"),
        ("Tell me a story about a fox", "en"),
        ("WHY IS THE SKY BLUE", "en"),
        ("Erzähl mir eine Geschichte über einen Fuchs", "de"),
        ("Wie spät ist es?", "de"),
        ("Raconte-moi une histoire avec un renard", "fr"),
        ("¿Dónde está la biblioteca?", "es"),
        ("Dove posso trovare un medico?", "it"),
        ("Onde posso encontrar um médico? Não sei", "pt"),
        ("Jak się masz? Gdzie jest lekarz?", "pl"),
        ("Bana bir masal anlatır mısın?", "tr"),
        ("Bonjour", "fr"),
        ("Guten Tag", "de"),
        ("Gracias", "es"),
        ("给我讲一个狐狸的故事", "zh"),
        ("きつねの話をして", "ja"),
        ("احك لي قصة عن الثعلب", "ar"),
        ("ஒரு கதை சொல்", "ta"),
        ("123?", UNDETERMINED),
        ("ok", UNDETERMINED),
        ("👍", UNDETERMINED),
        ("", UNDETERMINED),
        ("Lorem ipsum dolor", UNDETERMINED),
        ("Mon-Fri", UNDETERMINED),
        ("Nine o'clock, w w w", UNDETERMINED),
        ("Motörhead", UNDETERMINED),
        ("ivan@example.com", UNDETERMINED),
    ],
)
def test_question_language_of_plain_text(text: str, language: str) -> None:
    assert question_language(text, "ru") == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Что такое Visual Studio Code?", "ru"),
        ("Расскажи про Apple Vision Pro Max Ultra", "ru"),
        ("Настрой https на nginx под docker compose", "ru"),
        ("Tell me about Нижний Новгород", "en"),
        ("What does привет mean?", "en"),
        ("Translate привет please", "en"),
        ("Переведи слово hello на русский", "ru"),
        ("Расскажи про すし", "ru"),
    ],
)
def test_question_language_of_two_scripts(text: str, language: str) -> None:
    assert question_language(text, "ru") == question_language(text, "en") == language


@pytest.mark.parametrize(
    ("text", "preferred", "language"),
    [
        ("Разкажи приказка", "bg", "bg"),
        ("Guten Morgen", "de", "de"),
        ("How are you?", "de", "en"),
        ("Расскажи сказку", "de", "ru"),
    ],
)
def test_question_language_prefers_language_of_script(text: str, preferred: str, language: str) -> None:
    assert question_language(text, preferred) == language


def test_question_language_reads_bounded_part() -> None:
    started = time.process_time()
    assert question_language("лиса " * 1_000_000) == "ru"
    assert time.process_time() - started < 0.2
