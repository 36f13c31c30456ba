import pytest

from deployments.contracts.faq_entry import FaqEntry
from storage import seed
from storage.comparison import comparison_key

ENTRIES = seed.faq()
LONG_QUESTIONS = [
    "Привет, сколько стоит ремонт телефона?",
    "Здравствуйте, а вы чините ноутбуки?",
    "Спасибо, а ещё вопрос можно?",
    "Пока не знаю, что выбрать, посоветуйте",
    "Сколько времени займёт ремонт?",
    "В какой день недели лучше приехать?",
    "Hello, how much is a screen repair?",
    "Thanks, and do you also fix laptops?",
    "How long does it take, what day should I come?",
    "Can you price match another shop?",
]


def _contains_words(words: str, text: str) -> bool:
    return f" {comparison_key(words)} " in f" {comparison_key(text)} "


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_language_has_entries_and_clock_templates(language: str) -> None:
    entries = [entry for entry in ENTRIES if entry.language == language]
    assert len(entries) >= 12
    answers = " ".join(entry.answer for entry in entries)
    assert all(template in answers for template in ("{current_time}", "{current_date}", "{day_of_week}"))


def test_entries_have_different_questions() -> None:
    claimed: dict[tuple[str, str], str] = {}
    for entry in ENTRIES:
        own = {comparison_key(text) for text in (entry.question, *entry.alternatives)}
        assert len(own) == 1 + len(entry.alternatives), entry.question
        for text in own:
            assert claimed.setdefault((entry.language, text), entry.question) == entry.question


@pytest.mark.parametrize("question", LONG_QUESTIONS)
def test_keywords_do_not_match_other_questions(question: str) -> None:
    hits = [
        (entry.question, keyword)
        for entry in ENTRIES
        for keyword in entry.keywords
        if _contains_words(keyword, question)
    ]
    assert hits == []


def test_keywords_do_not_occur_in_other_entries() -> None:
    def others(entry: FaqEntry) -> list[str]:
        rest = (each for each in ENTRIES if each is not entry and each.language == entry.language)
        return [text for each in rest for text in (each.question, *each.alternatives, *each.keywords)]

    clashes = [
        (k, text) for entry in ENTRIES for k in entry.keywords for text in others(entry) if _contains_words(k, text)
    ]
    assert clashes == []


def test_personas_have_prompts_in_both_languages() -> None:
    personas = seed.personas()
    assert [persona.id for persona in personas] == ["anna", "marina", "gulya", "lidia"]
    assert all(persona.prompts.keys() == {"ru", "en"} for persona in personas)
    assert not any(character.isdigit() for persona in personas for p in persona.prompts.values() for character in p)
