"""Language detection by letters, with a preferred language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.text.language import UNDETERMINED, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет", "ru"),
        ("Hello", "en"),
        ("Мой iPhone 15 Pro сломался", "ru"),
        ("Ёлка", "ru"),
        ("The word «да» is Russian", "en"),
        ("Де ви були, їжачку?", "uk"),
        ("Дзе ты быў?", "be"),
        ("Καλημέρα σας", "el"),
        ("你好，世界", "zh"),
        ("東京へ行きます", "ja"),
        ("안녕하세요", "ko"),
        ("مرحبا", "ar"),
        ("שלום", "he"),
        ("नमस्ते", "hi"),
        ("สวัสดี", "th"),
        ("გამარჯობა", "ka"),
        ("Բարեւ", "hy"),
        ("123", UNDETERMINED),
        ("", UNDETERMINED),
        ("aб", UNDETERMINED),
    ],
)
def test_detect_language_by_most_letters(text: str, language: str) -> None:
    assert detect_language(text, UNDETERMINED) == language


@pytest.mark.parametrize(
    ("text", "preferred", "language"),
    [
        ("Guten Tag, wie geht es Ihnen?", "de", "de"),
        ("Guten Tag", "ru", "en"),
        ("Добрый день", "de", "ru"),
        ("Добър ден", "bg", "bg"),
        ("Добрый день", "uk", "uk"),
        ("Добрий день, друзі", "ru", "uk"),
        ("東京", "ja", "ja"),
        ("سلام", "fa", "fa"),
        ("मराठी", "mr", "mr"),
        ("Hello", "el", "en"),
        ("42", "de", "de"),
    ],
)
def test_detect_language_prefers_same_script(text: str, preferred: str, language: str) -> None:
    assert detect_language(text, preferred) == language


@pytest.mark.parametrize(
    ("text", "preferred", "language"),
    [
        ("Мой email: ivan.petrov@example.com", "ru", "ru"),
        ("Мой email: ivan.petrov@example.com", "en", "en"),
        ("См. https://example.com/very/long/path и shop.example.com", "en", "ru"),
        ("ivan@example.com", "ru", "ru"),
        ("Есть iPhone 15 Pro Max?", "ru", "ru"),
        ("Как настроить Outlook и Microsoft Teams?", "ru", "ru"),
        ("Як налаштувати Outlook і Microsoft Teams Premium?", "ru", "uk"),
        ("Microsoft Teams – да", "ru", "en"),
        ("Да, iPhone", "ru", "ru"),
        ("我的 iPhone Pro 坏了", "zh", "zh"),
        ("The word привет is Russian", "en", "en"),
        ("The word привет is Russian", "de", "de"),
        ("Please read this letter aloud for all of our guests and then greet them with one word: мир", "ru", "en"),
        ("How do I set up Outlook?", "ru", "en"),
        ("Can you tell me about Москва metro?", "ru", "en"),
        ("Please translate the word привет into English for me", "ru", "en"),
        ("Настрой https на nginx под docker compose", "ru", "ru"),
    ],
)
def test_detect_language_ignores_names_and_addresses(text: str, preferred: str, language: str) -> None:
    assert detect_language(text, preferred) == language


@given(st.text(), st.sampled_from(["ru", "en", "de", "el", "zh", "fa", UNDETERMINED]))
def test_detect_language_of_any_text(text: str, preferred: str) -> None:
    found = detect_language(text, preferred)
    assert found == preferred or any(letter.isalpha() for letter in text)
