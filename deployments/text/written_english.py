"""Written English forms that ``damga`` misreads, as forms that it reads."""

import re

from num2words import num2words

from deployments.text.rewriting import Rewrite, in_groups, only_digits, rewrite, roman_value

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
)
_MONTH_NAMES = tuple(_MONTHS.split("|")[:12])
_NUMBERED = frozenset(
    ("Bowl", "Chapter", "Part", "Section", "Volume", "Act", "Book", "Phase", "Article", "Appendix", "War", "Level")
)
"""Words before a Roman numeral that is no ordinal."""
_WEEKDAYS = {
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_WEEKDAY = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SUFFIXES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
_NO_DIGITS = re.compile(r"[^\d]+")
_DEGREES = {"C": "Celsius", "F": "Fahrenheit"}


def _spelled(digits: str, *sizes: int) -> str:
    """Each digit as a word, with a pause between the groups."""
    groups = in_groups(digits, *sizes).split(", ")
    return ", ".join(" ".join(_DIGITS[int(digit)] for digit in group) for group in groups)


def _phone(found: re.Match[str]) -> str:
    plus = "plus " if found[0].startswith("+") else ""
    groups = [only_digits(group) for group in _NO_DIGITS.split(found[0]) if group]
    return plus + ", ".join(_spelled(group, len(group)) for group in groups)


def _ordinal(day: str) -> str:
    number = int(day)
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _twelve_hour(hour: int, minute: str) -> str:
    if hour % 24 == 0 and minute == "00":
        return "midnight"
    shown = f"{hour % 12 or 12}" if minute == "00" else f"{hour % 12 or 12}:{minute}"
    return f"{shown} {'PM' if 12 <= hour < 24 else 'AM'}"


def _time_range(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[3])
    if first > 24 or last > 24 or max(first, last) < 13:
        return f"{found[1]}:{found[2]} to {found[3]}:{found[4]}"
    return f"{_twelve_hour(first, found[2])} to {_twelve_hour(last, found[4])}"


def _american_date(found: re.Match[str]) -> str:
    month, day = int(found[1]), int(found[2])
    return f"{_MONTH_NAMES[month - 1]} {day}, {found[3]}" if 1 <= day <= 31 else found[0]


def _numbered(found: re.Match[str]) -> str:
    """ "Chapter XXIII" is twenty-three, "John XXIII" the twenty-third."""
    value = roman_value(found[2])
    if not value:
        return found[0]
    if found[1].split()[-1] in _NUMBERED:
        return f"{found[1]} {value}"
    return f"{found[1]} the {num2words(value, to='ordinal')}"


ENGLISH_REWRITES: tuple[Rewrite, ...] = (
    # Telephone numbers and other strings of digits that are no quantities.
    rewrite(r"(?<![\w.])\+\d{1,3}(?:[ ()-]{1,2}\d{2,4}){2,5}(?![\w-])", _phone),
    rewrite(r"(?<![\w.,-])(?:\d[ -])?\(?\d{3}\)? ?-?\d{3}-\d{4}(?![\w-])", _phone),
    rewrite(r"(?<![\w.,-])\d{3}-\d{4}-\d{4}(?![\w-])", _phone),
    rewrite(r"(?<![\w.,-])\d{3}-\d{4}(?![\w-]| [a-z])", _phone),
    rewrite(r"(?<![\w.,-])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\w.,-]?\d)", lambda m: ",".join(m[0].split())),
    rewrite(r"(?<![\w.,-])\d{3}\.\d{3}\.\d{4}(?![\w.-]?\d)", _phone),
    rewrite(r"(?<![\d.,-])\d{4}(?: \d{4}){2,4}(?![\d.,-]\d)", lambda m: _spelled(only_digits(m[0]), 4)),
    rewrite(r"(?<=\d)['’](?=\d{3}(?!\d))", ""),
    rewrite(r"(?<![\w.,$€£¥-])911(?![\w.,-]?\d| people| [a-z]{2,20}s\b)", _spelled("911", 3)),
    rewrite(r"\b(call|dial|ring|phone) (\d{3})(?!\d|[.,]\d)", lambda m: f"{m[1]} {_spelled(m[2], 3)}"),
    rewrite(r"\b(zip(?: code)?|code|pin) (\d{3,9})\b", lambda m: f"{m[1]} {_spelled(m[2], 9)}"),
    rewrite(r"(?<![\d.,$€£¥-])\d{10,}(?![\d.,-]\d)", lambda m: _spelled(m[0], 3, 3, 4)),
    rewrite(r"(?<![\d.,:-])0\d{2,}(?![\d.,:-])", lambda m: _spelled(m[0], 9)),
    # Dates and clock times.
    rewrite(
        r"(?<![\d/])(1[0-2]|0?[1-9])/(\d{1,2})/(\d{4})(?![\d/])",
        _american_date,
    ),
    rewrite(r"(?<!\d)(\d{4})/(\d{2})/(\d{2})(?![\d/])", r"\1-\2-\3"),
    rewrite(
        rf"\b({_MONTHS}) (\d{{1,2}})\s?[-–—]\s?(\d{{1,2}})(?!\d)",
        lambda m: f"{m[1]} {_ordinal(m[2])} to {_ordinal(m[3])}",
    ),
    rewrite(
        r"(?<![\d:])(\d{1,2}):([0-5]\d)(?:\s?[-–—]\s?| to | until | till )(\d{1,2}):([0-5]\d)(?![\d:]|\s?[ap]\.?m)",
        _time_range,
    ),
    rewrite(
        r"(?<![\d:.,$€£¥-])(\d{1,2})[.-]([03]0)(?:\s?[-–—]\s?| to | until | till )(\d{1,2})[.-]([03]0)"
        r"(?![\d:.-]?\d| ?(?:k?g|k?m|%))",
        _time_range,
    ),
    rewrite(
        rf"\b({_MONTHS}) (\d{{1,2}})\s?[-–—]\s?({_MONTHS}) (\d{{1,2}})(?!\d)",
        lambda m: f"{m[1]} {_ordinal(m[2])} to {m[3]} {_ordinal(m[4])}",
    ),
    rewrite(r"(?<![\d:])24:00(?![\d:])", "midnight"),
    rewrite(r"(?<=:\d\d)\s?[-–—]\s?(?=\d{1,2}:\d\d)", " to "),
    rewrite(
        rf"\b({_WEEKDAY})\b\.?\s?[-–—]\s?({_WEEKDAY})\b\.?",
        lambda m: f"{_WEEKDAYS[m[1].lower()]} to {_WEEKDAYS[m[2].lower()]}",
    ),
    # Money and large numbers.
    rewrite(r"(?<=\d)\.(?=\d{3}\.\d{3}(?!\d))|(?<=\d\.\d{3})\.(?=\d{3}(?!\d))", ","),
    rewrite(
        r"([$€£¥])(\d{1,12})\s?[-–—]\s?\1?(\d{1,12})(?![\d.,]\d)",
        lambda m: f"{m[2]} to {m[3]} {_CURRENCIES[m[1]]}",
    ),
    rewrite(r"(?<=\d) ?(?:USD|US\$)", " dollars"),
    rewrite(r"(?<=\d) ?EUR\b", " euros"),
    rewrite(r"(?<![\w$€£¥.,])(\d{1,9}(?:\.\d{1,3})?)(bn|[km])\b(?! ?/)", lambda m: f"{m[1]} {_SUFFIXES[m[2].lower()]}"),
    rewrite(r"\b(\d)(\d\d)([a-z])\b(?= [A-Z])", r"\1 \2 \3"),
    rewrite(r"(?<![\d.,])(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?![\d.]\d)", r"\1 point \2 point \3"),
    rewrite(r"\bv(?=\d)", "version "),
    rewrite(r"(?<=\d)(st|nd|rd|th)-(?=[a-z])", r"\1 "),
    rewrite(r"\b(\d{1,2})'\s?(\d{1,2})\"", r"\1 foot \2"),
    rewrite(r"(?<= ft )(\d{1,2}) in\b", r"\1 inches"),
    # Ranges, signs and superscripts.
    rewrite(r"(?<=\d)\s?[~∼]\s?(?=\d)", "-"),
    rewrite(
        r"(?-i:\b([IVXL]{1,7}) (centur))",
        lambda m: f"{num2words(roman_value(m[1]), to='ordinal')} {m[2]}" if roman_value(m[1]) else m[0],
    ),
    rewrite(r"(?-i:\b([A-Z][a-z]{1,14}(?: Bowl)?) ([IVXL]{2,7})\b)", _numbered),
    rewrite(
        r"(?<![\w.])([-−+]?)(\d{1,3})\s?(?:…|\.{2,3})\s?([-−]?)\+?(\d{1,3})",
        lambda m: f"{'minus ' * (m[1] in '-−' and bool(m[1]))}{m[2]} to {'minus ' * bool(m[3])}{m[4]}",
    ),
    rewrite(r"\bapt\. ?(?=\d)", "apartment "),
    rewrite(r"(?-i:\bNo (?=\d))", "number "),
    rewrite(r"(?<=\d) ?sq\.? ?(ft|m)\b", lambda m: f" square {'feet' if m[1].lower() == 'ft' else 'meters'}"),
    rewrite(r"(?<=\d) ?¢", " cents"),
    rewrite(r"(?<=\d) ?tbsps?\b\.?", " tablespoons"),
    rewrite(r"(?<=\d) ?tsps?\b\.?", " teaspoons"),
    rewrite(r"(\d{1,3}) ?% ?[-–—] ?(\d{1,3}) ?%", r"\1 to \2%"),
    rewrite(r"(?<=\d)\^(?=\d)", " to the power of "),
    rewrite(r"(?<=\w)⁻(?=\d)", " to the power of minus "),
    rewrite(r"(?<!\w)#(?=\d)", "number "),
    rewrite(r"(?<=\d)\s?°\s?([CF])\b", lambda m: f" degrees {_DEGREES[m[1].upper()]}"),
    rewrite(r"(\d)\s?[-–—]\s?(\d{1,9}) degrees", r"\1 to \2 degrees"),
    rewrite(r"(?<=\d) ?m²", " square meters"),
    rewrite(r"(?<=\d) ?km²", " square kilometers"),
    rewrite(r"(?<![a-z])([a-z]|\d{1,9})²(?!\w)", r"\1 squared"),
    rewrite(r"(?<![a-z])([a-z]|\d{1,9})³(?!\w)", r"\1 cubed"),
    rewrite(r"(?<=\d) ?[-−–] ?(?=\d[^=:\n]{0,40}=)", " minus "),
    rewrite(r"(?<=\d) / (?=\d)", " divided by "),
    rewrite(r"(?<=\d) ?[×x] ?(?=\d[^=\n]{0,40}=)", " times "),
    rewrite(r"(?<=\d) ?[×x] ?(?=\d)", " by "),
    rewrite(r"(?<=\w) ?>= ?|≥ ?", " greater than or equal to "),
    rewrite(r"(?<=\w) ?<= ?|≤ ?", " less than or equal to "),
    rewrite(r"(?<=\w) ?< ?(?=[\w-])", " is less than "),
    rewrite(r"(?<=\w) ?> ?(?=[\w-])", " is greater than "),
    rewrite(r"(?<![\d:])(\d{1,3}):(\d{1,3})(?![\d:])(?<!:\d\d)", r"\1 to \2"),
)
"""Applied before ``damga``."""

ENGLISH_SIGNS = {
    "№": "number", "#": "number", "&": "and", "+": "plus", "=": "equals", "×": "times", "°": "degrees",
    "%": "percent", "§": "section", "₽": "rubles", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen",
    "@": "at", "<": "less than", ">": "greater than", "≤": "less than or equal to",
    "≥": "greater than or equal to", "±": "plus or minus", "≈": "about", "≠": "is not equal to",
    "÷": "divided by", "²": "squared", "³": "cubed", "−": "minus", ".": "dot", "-": "dash", "_": "underscore",
}  # fmt: skip
