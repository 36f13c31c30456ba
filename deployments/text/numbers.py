"""Finding numbers in a text: phones, dates, times, money, ranges and the rest, each said by the language's spelling."""

import re
from collections.abc import Callable
from datetime import date

from deployments.text.verbalizer import MAX_NUMBER_DIGITS, Verbalizer, digit_groups, groups_to_words, number_to_words

_Match = re.Match[str]

_SPACES = "[ \u00a0\u202f]"
_NUM = rf"(\d{{1,3}}(?:{_SPACES}\d{{3}})+(?!\d)|\d{{1,3}}(?:,\d{{3}})+(?![\d])|\d+)(?:[.,](\d+))?"
_START = r"(?<![\d.,])"
_MAGNITUDE = rf"(?:{_SPACES}?(тыс|млн|млрд|thousand|million|billion)\b\.?)?"
_MAGNITUDES = {"thousand": "тыс", "million": "млн", "billion": "млрд"}
_RUBLES = r"руб(?:л(?:ей|я|ь))?\b(?-i:\.(?=\s*[a-zа-яё]))?|р\.(?=\s*(?-i:[a-zа-яё]|$))"

_PHONE = re.compile(
    r"(?<![\w.])(?:\+\d[\d\s().-]{7,20}\d|[78][\s-]?\(?\d{3}\)?[\s-]\d{3}[\s-]\d{2}[\s-]?\d{2}|\(?\d{3}\)?[\s-]\d{3}-\d{4})(?![\w-])"
)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DOT_DATE = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d.]\d)(?:\s?(?:г\.|года)(?=\W|$))?")
_SLASH_DATE = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?!\d|:\d)(?:\s?([ap]\.?m\b\.?))?"
_TIME_RANGE = re.compile(rf"(?<![\d:]){_TIME}\s?[-–—]\s?{_TIME}", re.IGNORECASE)
_CLOCK = re.compile(rf"(?<![\d:]){_TIME}", re.IGNORECASE)
_PERCENT_RANGE = re.compile(r"(?<![\w.,-])(\d{1,9})\s?%\s?[-–—]\s?(\d{1,9})\s?%")
_VERSION = re.compile(r"\d+(?:\.\d+){2,}")
_RANGE = re.compile(r"(?<![\w.,$€£¥₽-])(\d{1,9})(?:[-–—]|\s[–—]\s)(\d{1,9})(?![\w-]|[.,:]\d)")
_MINUS = re.compile(r"(?<![\w).,])[-−–](?=\d)")
_SIGN_MONEY = re.compile(rf"([$€£¥₽])\s?{_NUM}{_MAGNITUDE}", re.IGNORECASE)
_MONEY_SIGN = re.compile(rf"{_START}{_NUM}{_MAGNITUDE}\s?([$€£¥₽]|{_RUBLES})", re.IGNORECASE)
_PERCENT = re.compile(rf"{_START}{_NUM}\s?%")
_DEGREES = re.compile(rf"{_START}{_NUM}\s?°\s?([CFС]\b)?")
_ORDINAL_RU = re.compile(r"\b(\d{1,9})-([а-я]{1,3})\b")
_ORDINAL_EN = re.compile(r"\b(\d{1,9})(?:st|nd|rd|th)\b")
_NUMBER = re.compile(_NUM)
_WORD_BEFORE = re.compile(r"([^\W\d_]+:?,?)\s*$")
_WORD_AFTER = re.compile(r"\s*([^\W\d_]+\.?)")
_ORDINAL_SUFFIXES = frozenset(
    ("й", "ый", "ой", "я", "ая", "е", "ое", "го", "ого", "му", "ому", "м", "ом", "ю", "ую", "х", "ых", "ми")
)
_LONGEST_FRACTION = 4
_LEAP_YEAR = 2000


def numbers_to_words(text: str, verbalizer: Verbalizer) -> str:
    """``text`` without any of the digits 0-9."""
    say_it = _Sayer(verbalizer)
    for pattern, sayer in (
        (_PHONE, say_it.phone),
        (_ISO_DATE, say_it.iso_date),
        (_DOT_DATE, say_it.dot_date),
        (_SLASH_DATE, say_it.slash_date),
        (verbalizer.named_date, say_it.named_date),
        (_TIME_RANGE, say_it.time_range),
        (_CLOCK, say_it.clock),
        (_VERSION, say_it.version),
        (_PERCENT_RANGE, say_it.percent_range),
        (_RANGE, say_it.range),
        (_MINUS, say_it.minus),
        (_SIGN_MONEY, say_it.sign_money),
        (_MONEY_SIGN, say_it.money_sign),
        (_PERCENT, say_it.percent),
        (_DEGREES, say_it.degrees),
        (_ORDINAL_RU if verbalizer.tag == "ru" else _ORDINAL_EN, say_it.ordinal),
        (_NUMBER, say_it.number),
    ):
        text = pattern.sub(_spaced(sayer), text)
    return text


def _spaced(sayer: Callable[[_Match], str]) -> Callable[[_Match], str]:
    """Words must not stick to letters that touched the digits ("5G", "B2B")."""

    def spaced(found: _Match) -> str:
        text, start, end = found.string, found.start(), found.end()
        before = " " if start and text[start - 1].isalnum() else ""
        after = " " if end < len(text) and text[end].isalnum() else ""
        return f"{before}{sayer(found)}{after}"

    return spaced


class _Sayer:
    """One method per pattern: the match in, its words out."""

    def __init__(self, spelling: Verbalizer) -> None:
        self._spelling = spelling
        self._language = spelling.tag

    def phone(self, found: _Match) -> str:
        digits = [group for group in re.split(r"\D+", found[0]) if group]
        if not 10 <= sum(map(len, digits)) <= 15:
            return found[0]
        groups = [part for group in digits for part in _phone_groups(group)]
        plus = f"{self._spelling.symbols['+']} " if found[0].startswith("+") else ""
        return plus + groups_to_words(groups, self._language)

    def iso_date(self, found: _Match) -> str:
        return self._date(found, found[3], found[2], found[1])

    def dot_date(self, found: _Match) -> str:
        return self._date(found, found[1], found[2], found[3])

    def slash_date(self, found: _Match) -> str:
        """Month first in English, day first in Russian."""
        day, month = (found[2], found[1]) if self._language == "en" else (found[1], found[2])
        return self._date(found, day, month, found[3])

    def _date(self, found: _Match, day: str, month: str, year: str) -> str:
        try:
            when = date(int(year), int(month), int(day))
        except ValueError:
            return ", ".join(self._plain(part) for part in re.split(r"\D+", found[0]) if part)
        return self._spelling.date(when.day, when.month, when.year, _before(found))

    def named_date(self, found: _Match) -> str:
        """Day, month and perhaps year; a day that no calendar has stays a number before a word."""
        day, month, year = int(found["day"]), self._spelling.months.index(found["month"].lower()) + 1, found["year"]
        try:
            date(int(year or _LEAP_YEAR), month, day)
        except ValueError:
            return found[0]
        return self._spelling.date(day, month, int(year or 0), _before(found))

    def time_range(self, found: _Match) -> str:
        opening, to = self._spelling.symbols["from"], self._spelling.symbols["to"]
        first = self._spelling.time(int(found[1]), int(found[2]), opening, found[3] or "")
        last = self._spelling.time(int(found[4]), int(found[5]), to, found[6] or "")
        return f"{'' if _before(found) in (opening, 'со') else opening + ' '}{first} {to} {last}"

    def clock(self, found: _Match) -> str:
        return self._spelling.time(int(found[1]), int(found[2]), _before(found), found[3] or "")

    def version(self, found: _Match) -> str:
        return f" {self._spelling.symbols['dot']} ".join(self._plain(part) for part in found[0].split("."))

    def percent_range(self, found: _Match) -> str:
        return f"{self.range(found)} {self._spelling.symbols['%']}"

    def range(self, found: _Match) -> str:
        if _is_local_phone(found[0]):
            return groups_to_words([found[1], *_phone_groups(found[2])], self._language)
        if int(found[1]) >= int(found[2]) or found[1].startswith("0"):
            return f"{self._plain(found[1])}, {self._plain(found[2])}"
        return self._spelling.range(found[1], found[2], _before(found), _after(found))

    def minus(self, found: _Match) -> str:
        return f"{self._spelling.symbols['minus']} "

    def sign_money(self, found: _Match) -> str:
        return self._money(found, found[2], found[3], found[4], found[1])

    def money_sign(self, found: _Match) -> str:
        return self._money(found, found[1], found[2], found[3], found[4])

    def _money(self, found: _Match, whole: str, fraction: str | None, magnitude: str | None, sign: str) -> str:
        size = (magnitude or "").lower()
        sign = "₽" if sign[0].lower() == "р" else sign
        digits, rest = self._split(whole, fraction)
        if _too_long(digits, rest):
            return f"{self._plain(digits)} {self._spelling.symbols[sign]}"
        return self._spelling.money(digits, rest, _MAGNITUDES.get(size, size), sign, _before(found))

    def percent(self, found: _Match) -> str:
        digits, rest = self._split(found[1], found[2])
        if _too_long(digits, rest):
            return f"{self._plain(digits)} {self._spelling.symbols['%']}"
        return self._spelling.percent(digits, rest, _before(found))

    def degrees(self, found: _Match) -> str:
        digits, rest = self._split(found[1], found[2])
        if _too_long(digits, rest):
            return f"{self._plain(digits)} {self._spelling.symbols['°']}"
        scale = {"С": "C"}.get(found[3] or "", found[3] or "")
        return self._spelling.degrees(digits, rest, scale, _before(found))

    def ordinal(self, found: _Match) -> str:
        suffix = found[2] if self._language == "ru" else ""
        if suffix and suffix not in _ORDINAL_SUFFIXES:
            return found[0]
        return self._spelling.ordinal(found[1], suffix)

    def number(self, found: _Match) -> str:
        digits, rest = self._split(found[1], found[2])
        if (digits.startswith("0") and len(digits) > 1) or _too_long(digits, ""):
            tail = f", {groups_to_words(digit_groups(rest), self._language)}" if rest else ""
            return self._plain(digits) + tail
        if len(rest) > _LONGEST_FRACTION:
            spelled = " ".join(number_to_words(int(digit), self._language) for digit in rest)
            return f"{self._plain(digits)} {self._spelling.symbols['dot']} {spelled}"
        return self._spelling.number(digits, rest, _before(found), _after(found))

    def _split(self, whole: str, fraction: str | None) -> tuple[str, str]:
        """Digits of the whole and of the fraction; "1,500" is a thousand and a half in English only."""
        if "," in whole and self._language != "en" and not fraction and whole.count(",") == 1:
            head, _, tail = whole.partition(",")
            return head, tail
        return re.sub(r"\D", "", whole), fraction or ""

    def _plain(self, digits: str) -> str:
        if (digits.startswith("0") and len(digits) > 1) or _too_long(digits, ""):
            return groups_to_words(digit_groups(digits), self._language)
        return number_to_words(int(digits), self._language)


def _phone_groups(group: str) -> list[str]:
    """A run of digits as people read it out: 7 916 123 45 67, otherwise in threes."""
    if len(group) == 11 and group[0] in "78":
        return [group[0], group[1:4], group[4:7], group[7:9], group[9:]]
    return digit_groups(group) if len(group) > 4 else [group[:2], group[2:]] if len(group) == 4 else [group]


def _is_local_phone(written: str) -> bool:
    """ "555-1234" and "555-1000", but not the round bounds of "500-1000"."""
    first, _, last = written.partition("-")
    return (len(first), len(last)) == (3, 4) and (first + last).isdigit() and not (first[-1] == last[-1] == "0")


def _too_long(whole: str, fraction: str) -> bool:
    return len(whole) > MAX_NUMBER_DIGITS or len(fraction) > _LONGEST_FRACTION


def _before(found: _Match) -> str:
    """The word before the match, lower case, with a colon if it has one."""
    word = _WORD_BEFORE.search(found.string[max(0, found.start() - 40) : found.start()])
    return word[1].lower() if word else ""


def _after(found: _Match) -> str:
    word = _WORD_AFTER.match(found.string, found.end())
    return word[1].lower() if word else ""
