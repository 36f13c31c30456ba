"""What a voice should say for a written text: no marks, no pictures, numbers and signs in words."""

import html
import re
import unicodedata

from deployments.text.addresses import DOMAIN, EMAIL, WEB_ADDRESS
from deployments.text.markdown import strip_emoji, strip_markdown
from deployments.text.normalizer import Normalizer, normalizer_for

_LEFTOVERS = re.compile(r"[*_#~|^<>{}\[\]\\/`]+")
_SPACE_BEFORE_MARK = re.compile(r" ([,.!?;:…)»])")
_LEADING_MARKS = re.compile(r"^[\s,.;:!?…)»\]—–-]+")
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""No character has such a number, and Python refuses to read one of 4,300 digits."""
_INSIDE_WORDS = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_KEPT_DIGITS = "²³"
"""Exponents: a normaliser reads them."""
_EXPONENT = re.compile("(⁻?)([⁰¹²³⁴-⁹]{1,9})")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_LEADING_COMPARISON = re.compile(r"^[ \t]{0,3}([<>]) ?(?=\d)", re.MULTILINE)
"""No quotation of markdown: "> 100 people"."""
_COMPARISONS = {"ru": {"<": "менее ", ">": "более "}, "en": {"<": "less than ", ">": "more than "}}


def to_speakable_text(text: str, language: str) -> str:
    """``text`` as it is said aloud in ``language``, one line, without digits; empty when there is nothing to say.

    Russian ("ru") and English ("en") get numbers, dates, times, money, units and signs in words; for any other language
    only marks, addresses and pictures are dealt with and digits are left to the voice. Words in other letters stay as
    they are. Never raises.
    """
    normalizer = normalizer_for(language.lower()[:2])
    words = _LONG_REFERENCE.sub(" ", text.encode("utf-8", "replace").decode())
    words = _INSIDE_WORDS.sub("", html.unescape(words))
    if normalizer is not None:
        comparisons = _COMPARISONS[normalizer.language]
        words = _LEADING_COMPARISON.sub(lambda sign: comparisons[sign[1]], words)
    words = strip_markdown(_EXPONENT.sub(_exponent, words))
    words = _plain_digits(words)
    if normalizer is not None:
        words = normalizer.normalize(_addresses_in_words(words, normalizer))
    words = _LEFTOVERS.sub(" ", strip_emoji(words))
    words = _SPACE_BEFORE_MARK.sub(r"\1", " ".join(words.split()))
    words = _LEADING_MARKS.sub("", words)
    return words if any(letter.isalnum() for letter in words) else ""


def _plain_digits(text: str) -> str:
    """Digits of other scripts and circled ones as 0-9."""
    if text.isascii():
        return text
    return "".join(_plain_digit(c) if c > "\x7f" and c.isdigit() and c not in _KEPT_DIGITS else c for c in text)


def _exponent(found: re.Match[str]) -> str:
    """ "10⁹" as "10^9"; normalisers read negative exponents, squares and cubes."""
    if found[1] or found[0] in _KEPT_DIGITS:
        return found[0]
    return f"^{found[2].translate(_SUPERSCRIPTS)}"


def _plain_digit(character: str) -> str:
    return str(unicodedata.digit(character, 0))


def _addresses_in_words(text: str, normalizer: Normalizer) -> str:
    def email(found: re.Match[str]) -> str:
        return _address(found[0], normalizer)

    def site(found: re.Match[str]) -> str:
        ending = "." if found[0].endswith(".") else ""
        return _address(found[1].rstrip("."), normalizer) + ending

    return DOMAIN.sub(site, WEB_ADDRESS.sub(site, EMAIL.sub(email, text)))


def _address(address: str, normalizer: Normalizer) -> str:
    """ "info@site.ru" as "info at site dot ru"."""
    for sign in "@._-":
        address = address.replace(sign, f" {normalizer.name(sign)} ")
    return " ".join(address.split())
