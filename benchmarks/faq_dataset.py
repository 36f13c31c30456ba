"""Generated FAQ entries, half Russian, half English, with product names and numbers."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deployments.contracts.faq_entry import FaqEntry

_RU = (
    "Сколько стоит {name}?",
    "Как оформить возврат {name} {number}?",
    "Когда привезут {name} в пункт выдачи?",
    "Почему не работает {name} {number}?",
    "Где посмотреть инструкцию к {name}?",
    "Можно ли оплатить {name} частями?",
    "Какая гарантия на {name} {number}?",
    "Есть ли скидка на {name} для постоянных клиентов?",
)
_EN = (
    "How much does {name} cost?",
    "How do I return {name} {number}?",
    "When will {name} be delivered to the store?",
    "Why does {name} {number} not work?",
    "Where is the manual of {name}?",
    "Can I pay for {name} in instalments?",
    "What warranty does {name} {number} have?",
    "Is there a discount on {name} for regular customers?",
)
_SYLLABLES = {
    "ru": tuple(re.findall(r"\w+", "ка ро ми та ле ну со ви до ра пе ши го лан бер ту фо зе мар кин")),
    "en": tuple(re.findall(r"\w+", "ka ro mi ta le nu so vi do ra pe shi go lan ber tu fo ze mar kin")),
}
_POLITE = {"ru": "Здравствуйте! Подскажите, пожалуйста, {}", "en": "Hello, could you please tell me, {}"}
_CHATTER = {
    "ru": "вчера мы с друзьями долго обсуждали погоду музыку отпуск соседей дорогу домой новые книги и старые фильмы",
    "en": "yesterday my friends talked about weather music holidays neighbours roads new books and old films at length",
}


@dataclass(frozen=True, slots=True)
class FaqQuery:
    """``kind``: exact, other words, misspelt, unrelated or essay."""

    kind: str
    text: str
    language: str


def generate_entries(count: int, seed: int = 7) -> tuple[FaqEntry, ...]:
    """``count`` enabled entries with one alternative each; deterministic for a ``seed``."""
    rng = random.Random(seed)
    return tuple(_entry(rng, number) for number in range(1, count + 1))


def generate_queries(entries: Sequence[FaqEntry], count: int, seed: int = 8) -> tuple[FaqQuery, ...]:
    """``count`` messages of every kind, alternating."""
    rng = random.Random(seed)
    return tuple(query for _ in range(count) for query in _queries(rng, rng.choice(entries)))


def _entry(rng: random.Random, number: int) -> FaqEntry:
    language = "ru" if number % 2 else "en"
    first, second = rng.sample(_RU if language == "ru" else _EN, 2)
    name = f"{_name(rng, language)} {_name(rng, language)}"
    return FaqEntry(
        id=number,
        question=first.format(name=name, number=number),
        alternatives=(second.format(name=name, number=number),),
        keywords=(f"{name} {number}",),
        answer=f"{number}. " + "Ответ. " * 20,
        language=language,
    )


def _name(rng: random.Random, language: str) -> str:
    return "".join(rng.choices(_SYLLABLES[language], k=rng.randint(2, 4)))


def _queries(rng: random.Random, entry: FaqEntry) -> tuple[FaqQuery, ...]:
    language, question = entry.language, entry.question
    polite = _POLITE[language].format(question.lower())
    chatter = _CHATTER[language].split()
    texts = {
        "exact": question.upper(),
        "other words": polite,
        "misspelt": " ".join(_misspelt(rng, word) for word in question.split()),
        "unrelated": " ".join(rng.sample(chatter, 7)),
        "essay": " ".join((*rng.choices(chatter, k=60), question)),
    }
    return tuple(FaqQuery(kind, text, language) for kind, text in texts.items())


def _misspelt(rng: random.Random, word: str) -> str:
    if len(word) < 6:
        return word
    place = rng.randrange(1, len(word) - 2)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
