"""What a voice should say for a written text: no marks, no pictures, numbers and signs in words."""

import re
import unicodedata

from deployments.text.addresses import DOMAIN, EMAIL, WEB_ADDRESS
from deployments.text.english import EnglishVerbalizer
from deployments.text.markdown import strip_emoji, strip_markdown
from deployments.text.numbers import numbers_to_words
from deployments.text.russian import RussianVerbalizer
from deployments.text.verbalizer import Verbalizer

_SPELLINGS: dict[str, Verbalizer] = {"ru": RussianVerbalizer(), "en": EnglishVerbalizer()}

_SIGNS = re.compile(r"\s*([№&+=×°%§₽$€£¥@])\s*")
_LEFTOVERS = re.compile(r"[*_#~|^<>{}\[\]\\/`]+")
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.!?;:…)»])")
_LEADING_MARKS = re.compile(r"^[\s,.;:!?…)»\]—–-]+")


def to_speakable_text(text: str, language: str) -> str:
    """``text`` as it is said aloud in ``language``, one line, without digits; empty when there is nothing to say.

    Russian ("ru") and English ("en") get numbers, dates, times, money and signs in words; for any other language only
    marks, addresses and pictures are dealt with and digits are left to the voice. Words in other letters stay as they
    are. Never raises.
    """
    spelling = _SPELLINGS.get(language.lower()[:2])
    words = strip_markdown(text)
    if spelling is not None:
        words = _expanded(words, spelling)
    words = _plain_digits(words)
    if spelling is not None:
        words = _addresses_in_words(words, spelling)
        words = numbers_to_words(words, spelling)
        words = _SIGNS.sub(lambda sign: f" {spelling.symbols[sign[1]]} ", words)
    words = _LEFTOVERS.sub(" ", strip_emoji(words))
    words = _SPACE_BEFORE_MARK.sub(r"\1", " ".join(words.split()))
    words = _LEADING_MARKS.sub("", words)
    return words if any(letter.isalnum() for letter in words) else ""


def _expanded(text: str, spelling: Verbalizer) -> str:
    for pattern, words in spelling.expansions:
        text = pattern.sub(words, text)
    return text


def _plain_digits(text: str) -> str:
    """Digits of other scripts, superscripts and circled ones as 0-9."""
    if text.isascii():
        return text
    return "".join(_plain_digit(c) if c > "\x7f" and c.isdigit() else c for c in text)


def _plain_digit(character: str) -> str:
    return str(unicodedata.digit(character, 0))


def _addresses_in_words(text: str, spelling: Verbalizer) -> str:
    def email(found: re.Match[str]) -> str:
        return _address(found[0], spelling)

    def site(found: re.Match[str]) -> str:
        ending = "." if found[0].endswith(".") else ""
        return _address(found[1].rstrip("."), spelling) + ending

    return DOMAIN.sub(site, WEB_ADDRESS.sub(site, EMAIL.sub(email, text)))


def _address(address: str, spelling: Verbalizer) -> str:
    """ "info@site.ru" as "info at site dot ru"."""
    for sign, name in (("@", "@"), (".", "dot"), ("_", "_"), ("-", "-")):
        address = address.replace(sign, f" {spelling.symbols[name]} ")
    return " ".join(address.split())
