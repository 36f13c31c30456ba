"""Russian numbers aloud: cases after prepositions, genders of nouns, ordinal dates and plural forms."""

import re
from typing import ClassVar

from deployments.text.verbalizer import Expansions, as_decimal, compile_expansions, number_to_words

_MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_NAMED_DATE = re.compile(
    rf"(?<![\w.,:/-])(?P<day>\d{{1,2}})(?:-?го)?\s(?P<month>{'|'.join(_MONTHS)})\b"
    r"(?:\s(?P<year>1\d{3}|20\d\d)(?!\w|[-–—.,:/]\d|\s?(?:[₽$€£¥%]|руб))"
    r"(?:\s?(?:года\b|г\.(?=\s*(?-i:[а-яё,;:)]))|г\b))?)?",
    re.IGNORECASE,
)
_GENITIVE_AFTER = frozenset(
    ("с", "со", "от", "до", "из", "без", "около", "для", "после", "более", "менее", "больше", "меньше", "свыше", "у")
)
_NOMINATIVE_DATE_AFTER = frozenset(
    (
        *("сегодня", "завтра", "вчера", "послезавтра", "это", "дата", "среда,", "пятница,", "суббота,"),
        *("на", "за", "по", "под"),
    )
)
"""The accusative of a neuter date looks like its nominative."""
_DATIVE_AFTER = frozenset(("к", "ко"))
_CASE_OF_SUFFIX = {
    "й": ("n", "m"), "ый": ("n", "m"), "ой": ("n", "m"), "я": ("n", "f"), "ая": ("n", "f"), "е": ("n", "n"),
    "ое": ("n", "n"), "го": ("g", "m"), "ого": ("g", "m"), "му": ("d", "m"), "ому": ("d", "m"), "м": ("p", "m"),
    "ом": ("p", "m"), "ю": ("a", "f"), "ую": ("a", "f"), "х": ("g", "p"), "ых": ("g", "p"), "ми": ("i", "p"),
}  # fmt: skip
_CASE_OF_YEAR = {"год": "n", "года": "g", "году": "p", "годом": "i", "г.": "g"}
_CURRENCIES = {
    "₽": (("рубль", "рубля", "рублей"), ("копейка", "копейки", "копеек"), "m"),
    "$": (("доллар", "доллара", "долларов"), ("цент", "цента", "центов"), "m"),
    "€": (("евро", "евро", "евро"), ("цент", "цента", "центов"), "n"),
    "£": (("фунт", "фунта", "фунтов"), ("пенс", "пенса", "пенсов"), "m"),
    "¥": (("иена", "иены", "иен"), ("сен", "сена", "сенов"), "f"),
}
_MAGNITUDES = {
    "тыс": (("тысяча", "тысячи", "тысяч"), "f"),
    "млн": (("миллион", "миллиона", "миллионов"), "m"),
    "млрд": (("миллиард", "миллиарда", "миллиардов"), "m"),
}
_Forms = tuple[str, str, str]
_EXPANSIONS = (
    (r"\bи т\.\s?д\.", "и так далее"),
    (r"\bи т\.\s?п\.", "и тому подобное"),
    (r"\bт\.\s?е\.", "то есть"),
    (r"\bт\.\s?к\.", "так как"),
    (r"\bг\. (?=[А-ЯЁ])(?<!\d г\. )", "город "),
    (r"\bул\. ", "улица "),
    (r"\bд\. (?=\d)", "дом "),
    (r"\bкорп\. (?=\d)", "корпус "),
    (r"\bкв\. (?=\d)", "квартира "),
    (r"\bтел\. ?(?=[\d+(])", "телефон "),
    (r"\bкм²", "квадратных километров"),
    (r"\bм²", "квадратных метров"),
    (r"\bм³", "кубических метров"),
)


class RussianVerbalizer:
    tag = "ru"
    expansions: ClassVar[Expansions] = compile_expansions(_EXPANSIONS)
    months: ClassVar[tuple[str, ...]] = _MONTHS
    named_date: ClassVar[re.Pattern[str]] = _NAMED_DATE
    symbols: ClassVar[dict[str, str]] = {
        "№": "номер", "&": "и", "+": "плюс", "=": "равно", "×": "на", "°": "градусов", "%": "процентов",
        "§": "параграф", "₽": "рублей", "$": "долларов", "€": "евро", "£": "фунтов", "¥": "иен", "@": "собака",
        "dot": "точка", "-": "дефис", "minus": "минус", "_": "подчёркивание", "from": "с", "to": "до",
    }  # fmt: skip

    def number(self, whole: str, fraction: str, before: str, after: str) -> str:
        case = "g" if before in _GENITIVE_AFTER else "n"
        if fraction:
            return _decimal(whole, fraction, case)
        noun = after.rstrip(".")
        year = _CASE_OF_YEAR.get(after) or _CASE_OF_YEAR.get(noun)
        if year and 1000 <= int(whole) <= 2100:
            return number_to_words(int(whole), "ru", to="ordinal", case=year)
        return number_to_words(int(whole), "ru", case=_case_before(case, whole, noun), gender=_gender(whole, noun))

    def ordinal(self, digits: str, suffix: str) -> str:
        case, gender = _CASE_OF_SUFFIX.get(suffix, ("n", "m"))
        if gender == "p":
            return number_to_words(int(digits), "ru", to="ordinal", case=case, plural="yes")
        return number_to_words(int(digits), "ru", to="ordinal", case=case, gender=gender)

    def date(self, day: int, month: int, year: int, before: str) -> str:
        """In the genitive, as the day on which something happens, unless ``before`` asks for another case."""
        word = before.rstrip(":")
        case = "n" if word in _NOMINATIVE_DATE_AFTER else "d" if word in _DATIVE_AFTER else "g"
        words = f"{number_to_words(day, 'ru', to='ordinal', case=case, gender='n')} {_MONTHS[month - 1]}"
        return f"{words} {number_to_words(year, 'ru', to='ordinal', case='g')} года" if year else words

    def time(self, hour: int, minute: int, before: str, suffix: str) -> str:
        case = "g" if before in _GENITIVE_AFTER else "n"
        spoken_hour = number_to_words(hour, "ru", case=case)
        if not minute:
            forms = ("часа", "часов", "часов") if case == "g" else ("час", "часа", "часов")
            return f"{spoken_hour} {_plural(hour, forms)}"
        zero = "ноль " if minute < 10 else ""
        return f"{spoken_hour} {zero}{number_to_words(minute, 'ru', case=case)}"

    def money(self, whole: str, fraction: str, magnitude: str, sign: str, before: str) -> str:
        units, cents, gender = _CURRENCIES[sign]
        case = "g" if before in _GENITIVE_AFTER else "n"
        if magnitude:
            forms, magnitude_gender = _MAGNITUDES[magnitude]
            return f"{_counted(whole, fraction, forms, magnitude_gender, case)} {units[2]}"
        if len(fraction) == 2 and int(fraction):
            small = _counted(fraction, "", cents, _gender_of(cents), case)
            return f"{_counted(whole, '', units, gender, case)} {small}"
        return _counted(whole, fraction.rstrip("0"), units, gender, case)

    def percent(self, whole: str, fraction: str, before: str) -> str:
        case = "g" if before in _GENITIVE_AFTER else "n"
        return _counted(whole, fraction, ("процент", "процента", "процентов"), "m", case)

    def degrees(self, whole: str, fraction: str, scale: str, before: str) -> str:
        case = "g" if before in _GENITIVE_AFTER else "n"
        words = _counted(whole, fraction, ("градус", "градуса", "градусов"), "m", case)
        return words + {"C": " Цельсия", "F": " Фаренгейта"}.get(scale, "")

    def range(self, first: str, last: str, before: str, after: str) -> str:
        opening = "" if before in ("от", "с", "со") else "от "
        spoken = [
            number_to_words(int(number), "ru", case="g", gender=_gender(number, after)) for number in (first, last)
        ]
        return f"{opening}{spoken[0]} до {spoken[1]}"


def _decimal(whole: str, fraction: str, case: str) -> str:
    return number_to_words(as_decimal(whole, fraction), "ru", case=case)


def _counted(whole: str, fraction: str, forms: _Forms, gender: str, case: str) -> str:
    """A number and its noun: "два рубля", "двух рублей", "две целых пять десятых рубля"."""
    if fraction:
        return f"{_decimal(whole, fraction, case)} {forms[1]}"
    number = int(whole)
    gender = gender if number % 10 in (1, 2) and number % 100 not in (11, 12) else "m"
    noun = _plural(number, forms if case == "n" else (forms[1], forms[2], forms[2]))
    return f"{number_to_words(number, 'ru', case=case, gender=gender)} {noun}"


def _plural(number: int, forms: _Forms) -> str:
    """The noun after 1, 2-4, 5 and so on."""
    if number % 10 == 1 and number % 100 != 11:
        return forms[0]
    return forms[1] if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else forms[2]


def _gender_of(forms: _Forms) -> str:
    return "f" if forms[0].endswith("а") else "m"


def _gender(whole: str, after: str) -> str:
    """Gender of the noun after a number that ends in 1 or 2, by the noun's own ending."""
    noun = after.rstrip(".,!?;:)»")
    teen = whole[-2:-1] == "1"
    if whole[-1:] == "1" and not teen:
        return "f" if noun.endswith(("а", "я", "у", "ю", "ь")) and noun not in _MASCULINE else _neuter(noun)
    if whole[-1:] == "2" and not teen and noun.endswith(("ы", "и")):
        return "f"
    return "m"


_MASCULINE = frozenset(("день", "рубль", "уровень", "дню", "рублю", "дому", "ряду", "этажу", "номеру", "месяцу"))


def _neuter(noun: str) -> str:
    return "n" if noun.endswith(("о", "е", "ое", "ее")) else "m"


def _case_before(case: str, whole: str, after: str) -> str:
    """ "в 1 минуту" is accusative by the noun's ending; other numbers look the same."""
    feminine = after.endswith(("у", "ю")) and whole[-1:] == "1" and whole[-2:-1] != "1"
    return "a" if case == "n" and feminine and after not in _MASCULINE else case
