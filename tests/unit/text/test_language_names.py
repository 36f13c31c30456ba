"""Languages as clients name them."""

import pytest

from deployments.text.language_names import english_name, language_tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("ru", "ru"),
        ("RU", "ru"),
        ("ru-RU", "ru"),
        ("en_us", "en"),
        ("zh-Hans-CN", "zh"),
        ("rus", "ru"),
        ("eng-GB", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("yue", "yue"),
        ("english", "en"),
        ("Russian", "ru"),
        (" Haitian Creole ", "ht"),
        ("English (US)", "en"),
        ("mandarin", "zh"),
        ("xyz", "xyz"),
        ("klingon", None),
        ("en;DROP", None),
        ("", None),
        ("(", None),
    ],
)
def test_language_is_understood(text: str, tag: str | None) -> None:
    assert language_tag(text) == tag


def test_english_names_are_read_back() -> None:
    assert all(language_tag(english_name(tag)) == tag for tag in ("ru", "en", "uk", "jw", "yue"))
