"""What the rest of a message does to a question that it contains: a negation or another time and place refute it.

"I don't want to leave a message" contains "leave a message", "Который час в Токио?" contains "который час". A match by
key phrase, rank or meaning stands only if the message agrees with the question.
"""

import re
from functools import lru_cache

from deployments.answers.normalise import normalised_words
from deployments.answers.templates import has_placeholders
from deployments.answers.tokenized_text import FUNCTION_WORDS, tokenize_text, word_set
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import Refusal

_NEGATION = re.compile(
    r"\b(?:не|нет|нельзя|незачем|никак\w*|никогда|ни|без|хватит|перестаньте|отказываюсь"
    r"|not|no|never|without|dont|doesnt|didnt|wont|wouldnt|cant|cannot|couldnt|isnt|arent|stop|refuse|nobody|nothing)\b"
)
_POLITE_NEGATION = re.compile(
    r"\b(?:не (?:под)?скаж\w*|не могли бы|не мог бы|не можете(?: ли)?|не можешь(?: ли)?|не дадите|не знаете(?: ли)?"
    r"|не будете ли|не затруднит|нельзя ли|не против|если не (?:трудно|сложно)|почему бы не|ни разу не был"
    r"|(?:could|can|would|will|do|are|is) (?:you|we|it) not"
    r"|(?:cant|couldnt|wont|wouldnt|arent|dont) (?:you|i|we)|if you dont mind|why (?:not|dont)|no problem|no worries"
    r"|без (?:выходных|перерыва|обеда|проблем)|without (?:a )?(?:break|appointment))\b"
)
_EXCLAMATION = re.compile(r"what an? |вот это |ну и ")
"""At its start a message exclaims and asks nothing: "What a nice day"."""
_SHORT_TRIGGER = 2
"""Words."""
_PRONOUNS = word_set("это этот эта эти it this that these those")
"""What stands for a thing that a caller may name instead."""
_ALLOWED_BESIDE_NOW = word_set(
    "сейчас сегодня теперь точно точное точный примерно именно нынче момент текущий текущее текущая подскажите"
    " назовите скажите сообщите давайте календарь календарю часам"
    " now today right exactly exact current currently moment clock calendar tell give say name"
)


def agrees(message: str, entry: FaqEntry, trigger: str) -> bool:
    """Whether ``message`` as a whole still asks what ``trigger``, a phrase of ``entry``, asks.

    False when only one of the two is negated, and when an entry about the present moment (its answer has a placeholder
    such as ``{current_time}``) is asked of another place, day or thing.
    """
    return not disagreements(message, entry, trigger)


def disagreements(message: str, entry: FaqEntry, trigger: str) -> tuple[Refusal, ...]:
    """Why ``message`` does not ask what ``trigger`` asks: *negation*, *subject* or both."""
    found: list[Refusal] = []
    if is_negated(message) != is_negated(trigger):
        found.append("negation")
    exclaims = _exclaims(message) and not _exclaims(trigger)
    if exclaims or (has_placeholders(entry.answer) and _beside_now(message, trigger)):
        found.append("subject")
    return tuple(found)


@lru_cache(maxsize=1024)
def is_negated(text: str) -> bool:
    """Whether ``text`` denies or refuses something; polite questions ("не подскажете", "can't you") do not."""
    spoken = " ".join(normalised_words(text)).replace("'", "").replace("’", "")
    return _NEGATION.search(_POLITE_NEGATION.sub(" ", spoken)) is not None


def names_another_thing(message: str, trigger: str) -> bool:
    """A question with one word of content ("сколько стоит", "how much does it cost") is another question with a further
    one ("… евро", "… a taxi …")."""
    asked, said = tokenize_text(trigger), tokenize_text(message)
    content = [key for key, weight in asked.stems.items() if weight >= 1]
    if len(content) != 1 or content[0] not in said.stems:
        return False
    words = normalised_words(trigger)
    if len(words) > _SHORT_TRIGGER and not _PRONOUNS & set(words) - set(normalised_words(message)):
        return False
    return any(weight >= 1 and key not in asked.stems for key, weight in said.stems.items())


def _exclaims(text: str) -> bool:
    return _EXCLAMATION.match(" ".join(normalised_words(text)[:5])) is not None


def _beside_now(message: str, trigger: str) -> bool:
    """Words of content in ``message`` that neither ``trigger`` nor an ordinary question about now has."""
    known = tokenize_text(trigger).stems.keys()
    words = tokenize_text(message).source_words
    ordinary = _ALLOWED_BESIDE_NOW | FUNCTION_WORDS
    return any(key not in known and word not in ordinary for key, word in words.items())
