"""The seed FAQ entries of a new installation."""

from datetime import UTC, datetime

import pytest

from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.ranking import Ranking
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqSettings
from storage.seed import faq

ENTRIES = tuple(entry.model_copy(update={"id": number, "enabled": True}) for number, entry in enumerate(faq(), 1))


def _now() -> datetime:
    return datetime(2026, 11, 26, 11, 5, tzinfo=UTC)


INDEX, RANKING = ExactMatchIndex(ENTRIES, "UTC", _now), Ranking(ENTRIES, FaqSettings(), "UTC", _now)
CONTRACT = "Исполнитель обязуется оказывать услуги, а заказчик принимать их и оплачивать в срок. " * 50


def lookup(message: str, locale: str | None) -> AnswerMatch | None:
    return INDEX.lookup(message, locale) or RANKING.match(message, locale)


@pytest.mark.parametrize("locale", [None, "ru", "en"])
@pytest.mark.parametrize(
    "message",
    [
        "What day is the meeting today?",
        "What a nice day!",
        "Can you help me?",
        "help",
        "Help me please",
        "I see",
        "I see, thanks",
        "Nice",
        "Are you okay?",
        "okay",
        "помощь",
        "хорошо",
        "Да, хорошо",
        "Можно про встречу?",
        "Привет, как вы сегодня?",
        "Как ты сегодня?",
        "Какие у вас есть сегодня?",
        "What do you have today?",
        "What can I do today?",
        "How do I get it?",
        "Сколько это по времени?",
        "What date can you do?",
        "На какое число можно?",
        "какое число сотрудников работает сегодня",
        "Could you open it?",
        "How is it?",
        "What's the name of the product?",
        f"Переведи на английский: {CONTRACT} Режим работы склада указан в приложении. {CONTRACT}",
        "Summarise this e-mail: dear colleagues, next Monday our office hours change, please tell all clients",
        "### Task: Generate a concise, 3-5 word title with an emoji for the chat history. USER: what time is it",
    ],
)
def test_seed_entries_ignore_ordinary_messages(message: str, locale: str | None) -> None:
    assert lookup(message, locale) is None


@pytest.mark.parametrize(
    ("message", "question"),
    [
        ("Ты кто?", "Кто вы?"),
        ("А вы ли робот?", "Кто вы?"),
        ("you are human?", "Who are you?"),
        ("Скажите, пожалуйста, как вас зовут", "Кто вы?"),
        ("Добрый день, какие у вас цены", "Сколько это стоит?"),
        ("какая у вас цена", "Сколько это стоит?"),
        ("how much would it cost", "How much does it cost?"),
        ("hi, are you open?", "When are you open?"),
        ("Good morning, what are your hours?", "When are you open?"),
        ("День добрый! Какой сегодня день?", "Какой сегодня день недели?"),
        ("Please, what day is it?", "What day is it today?"),
        ("Здравствуйте, подскажите пожалуйста, какой у вас режим работы в субботу?", "Когда вы работаете?"),
    ],
)
def test_seed_entries_match_reworded_questions(message: str, question: str) -> None:
    match = lookup(message, None)
    assert match is not None
    assert ENTRIES[match.entry_id - 1].question == question
