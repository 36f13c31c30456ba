"""Converts written text to speakable text: no markup and emoji, numbers and symbols in words."""

import re
import unicodedata

from deployments.text.addresses import DOMAIN, EMAIL, WEB_ADDRESS
from deployments.text.english import EnglishVerbalizer
from deployments.text.markdown import strip_emoji, strip_markdown
from deployments.text.numbers import numbers_to_words
from deployments.text.russian import RussianVerbalizer
from deployments.text.verbalizer import Verbalizer

_VERBALIZERS: dict[str, Verbalizer] = {"ru": RussianVerbalizer(), "en": EnglishVerbalizer()}

_SIGNS = re.compile(r"\s*([№&+=×°%§₽$€£¥@])\s*")
_LEFTOVERS = re.compile(r"[*_#~|^<>{}\[\]\\/`]+")
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.!?;:…)»])")
_LEADING_MARKS = re.compile(r"^[\s,.;:!?…)»\]—–-]+")


def to_speakable_text(text: str, language: str) -> str:
    """Returns one line, which is empty when ``text`` contains nothing to say. Never raises.

    In Russian ("ru") and English ("en"), numbers, dates, times, money and symbols become words. In other languages only
    markup and emoji are removed and digits stay.
    """
    verbalizer = _VERBALIZERS.get(language.lower()[:2])
    words = strip_markdown(text)
    if verbalizer is not None:
        words = _expanded(words, verbalizer)
    words = _plain_digits(words)
    if verbalizer is not None:
        words = _addresses_in_words(words, verbalizer)
        words = numbers_to_words(words, verbalizer)
        words = _SIGNS.sub(lambda sign: f" {verbalizer.symbols[sign[1]]} ", words)
    words = _LEFTOVERS.sub(" ", strip_emoji(words))
    words = _SPACE_BEFORE_MARK.sub(r"\1", " ".join(words.split()))
    words = _LEADING_MARKS.sub("", words)
    return words if any(letter.isalnum() for letter in words) else ""


def _expanded(text: str, verbalizer: Verbalizer) -> str:
    for pattern, words in verbalizer.expansions:
        text = pattern.sub(words, text)
    return text


def _plain_digits(text: str) -> str:
    """Replaces digits of other scripts, superscript and circled digits by 0-9."""
    if text.isascii():
        return text
    return "".join(_plain_digit(c) if c > "\x7f" and c.isdigit() else c for c in text)


def _plain_digit(character: str) -> str:
    return str(unicodedata.digit(character, 0))


def _addresses_in_words(text: str, verbalizer: Verbalizer) -> str:
    def email(found: re.Match[str]) -> str:
        return _address(found[0], verbalizer)

    def site(found: re.Match[str]) -> str:
        ending = "." if found[0].endswith(".") else ""
        return _address(found[1].rstrip("."), verbalizer) + ending

    return DOMAIN.sub(site, WEB_ADDRESS.sub(site, EMAIL.sub(email, text)))


def _address(address: str, verbalizer: Verbalizer) -> str:
    """ "info@site.ru" as "info at site dot ru"."""
    for sign, name in (("@", "@"), (".", "dot"), ("_", "_"), ("-", "-")):
        address = address.replace(sign, f" {verbalizer.symbols[name]} ")
    return " ".join(address.split())
