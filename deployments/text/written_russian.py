"""Written Russian forms that ``ru-normalizr`` misreads, as forms that it reads."""

import re

from num2words import num2words

from deployments.text.rewriting import Rewrite, in_groups, only_digits, rewrite

_MONTHS = (
    "январ[ья]|феврал[ья]|марта?|апрел[ья]|ма[йя]|июн[ья]|июл[ья]|августа?|сентябр[ья]|октябр[ья]|ноябр[ья]|декабр[ья]"
)
_MONTH_NAMES = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_WEEKDAYS = {
    "пн": ("понедельника", "понедельник", "понедельник"),
    "вт": ("вторника", "вторник", "вторник"),
    "ср": ("среды", "среду", "среда"),
    "чт": ("четверга", "четверг", "четверг"),
    "пт": ("пятницы", "пятницу", "пятница"),
    "сб": ("субботы", "субботу", "суббота"),
    "вс": ("воскресенья", "воскресенье", "воскресенье"),
}
"""Genitive, accusative, nominative."""
_WEEKDAY = "|".join(_WEEKDAYS)
_GENITIVES = "с|со|до|после|от|около|без|раньше|позже"
_TIME = r"([01]?\d|2[0-4])[:.-]([0-5]\d)"
_SUFFIXES = {"k": "тысяч", "к": "тысяч", "m": "миллионов", "м": "миллионов", "b": "миллиардов", "bn": "миллиардов"}
_CURRENCIES = {"$": "долларов", "€": "евро", "£": "фунтов", "₽": "рублей", "¥": "иен"}
_PER = {
    "месяц": "в месяц", "мес": "в месяц", "неделю": "в неделю", "нед": "в неделю", "день": "в день", "дн": "в день",
    "сутки": "в сутки", "сут": "в сутки", "час": "в час", "ч": "в час", "год": "в год", "кг": "за килограмм",
    "шт": "за штуку", "чел": "с человека", "м²": "за квадратный метр", "л": "за литр", "мин": "в минуту",
}  # fmt: skip
_DECADES = {
    "20": "двадцатые", "30": "тридцатые", "40": "сороковые", "50": "пятидесятые", "60": "шестидесятые",
    "70": "семидесятые", "80": "восьмидесятые", "90": "девяностые",
}  # fmt: skip
_WARS = {"I": "Первая", "II": "Вторая", "III": "Третья"}
_NUMBERED = "век|класс|этаж|подъезд|кабинет|вагон|корпус|канал|курс|раунд|сезон|сорт|место"
"""Nouns in the singular after an ordinal."""
_ENDINGS = {"место": "-е"}
_DIGIT_GROUP = re.compile(r"[0-9]+")
_LEADING_ZEROS = re.compile(r"\b0+(?=\d)")
_UNITS = r"м|см|мм|км|метр\w*|сантиметр\w*"


def _hours(hour: int, genitive: bool) -> str:
    """``hour`` o'clock with its noun; ``genitive`` after prepositions such as "до"."""
    one, teens = hour % 10 == 1 and hour != 11, 11 <= hour % 100 <= 14
    if genitive:
        return f"{hour} {'часа' if one else 'часов'}"
    few = 2 <= hour % 10 <= 4 and not teens
    return f"{hour} {'час' if one else 'часа' if few else 'часов'}"


def _time(hour: str, minute: str, genitive: bool = False) -> str:
    if minute == "00":
        return _hours(int(hour), genitive)
    if genitive:
        noun = "минуты" if minute[-1] == "1" and minute != "11" else "минут"
        return f"{_hours(int(hour), True)} {num2words(int(minute), lang='ru', case='genitive', gender='f')} {noun}"
    return f"{num2words(int(hour), lang='ru')} {'ноль ' if minute[0] == '0' else ''}{num2words(int(minute), lang='ru')}"


def _time_range(found: re.Match[str]) -> str:
    before, hour, minute, last_hour, last_minute = found.groups()
    first, last = _time(hour, minute, genitive=True), _time(last_hour, last_minute, genitive=True)
    if minute == last_minute == "00":
        first = str(int(hour))
    return f"{before or 'с '}{first} до {last}"


def _time_dative(found: re.Match[str]) -> str:
    """A time after "к": "к девяти часам", "к четырнадцати тридцати"."""
    hour, minute = int(found[2]), found[3]
    said = num2words(hour, lang="ru", case="dative")
    if minute == "00":
        return f"{found[1]} {said} {'часу' if hour % 10 == 1 and hour != 11 else 'часам'}"
    zero = "нолю " if minute[0] == "0" else ""
    return f"{found[1]} {said} {zero}{num2words(int(minute), lang='ru', case='dative')}"


def _compound(found: re.Match[str]) -> str:
    """A number joined to a word: "15-летие" as "пятнадцатилетие"."""
    number = int(found[1])
    if number % 100 in (40, 90) or number == 100:
        return f"{num2words(number, lang='ru')}{found[2]}"
    if number == 1:
        return f"одно{found[2]}"
    joined = num2words(number, lang="ru", case="genitive").replace(" ", "")
    return f"{joined}{found[2]}"


def _twelve_hour_time(found: re.Match[str]) -> str:
    hour = int(found[1]) % 12 + (12 if found[3].lower() == "p" else 0)
    return f"{hour}:{found[2] or '00'}"


def _numeric_date(year: str, month: str, day: str) -> str:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return f"{day} {month} {year}"
    return f"{int(day)} {_MONTH_NAMES[int(month) - 1]} {year if len(year) == 4 else '20' + year} года"


def _phone(found: re.Match[str]) -> str:
    digits = only_digits(found[0])
    plus = "плюс " if found[0].lstrip().startswith("+") else ""
    return f"{plus}{_digits(in_groups(digits, 1, 3, 3, 2, 2))}"


def _grouped_phone(found: re.Match[str]) -> str:
    """A number of another country keeps the groups that it is written in."""
    groups = (in_groups(group, 2) if len(group) == 4 else group for group in _DIGIT_GROUP.findall(found[0]))
    return f"плюс {_digits(', '.join(groups))}"


def _digits(groups: str) -> str:
    """Zeros that begin a group are said one by one: "05" as "0 5"."""
    return _LEADING_ZEROS.sub(lambda zeros: " ".join(zeros[0]) + " ", groups)


RUSSIAN_REWRITES: tuple[Rewrite, ...] = (
    # Telephone numbers and other strings of digits that are no quantities.
    rewrite(r"(?<![\w.+-])(?:\+7|[78])[ (-]{0,2}\d{3}[ )-]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2}(?![\w-])", _phone),
    rewrite(r"(?<![\w.-])\+\d{1,3}(?:[ ()-]{1,2}\d{2,4}){2,5}(?![\w-])", _grouped_phone),
    rewrite(r"(?<![\w.,-])\d{3}-\d{4}-\d{4}(?![\w-])", lambda m: _digits(in_groups(only_digits(m[0]), 3, 2))),
    rewrite(r"(?<![\w.,-])\d{3}-\d{2}-\d{2}(?![\w-])", lambda m: _digits(in_groups(only_digits(m[0]), 3, 2))),
    rewrite(r"(?<![\w.,-])\d{3}-\d{4}(?![\w-])", lambda m: _digits(in_groups(only_digits(m[0]), 3, 2))),
    rewrite(r"(?<![\d.,-])\d{4}(?: \d{4}){2,4}(?![\d.,-]\d)", lambda m: _digits(in_groups(only_digits(m[0]), 2))),
    rewrite(r"(?<=\d)['’](?=\d{3}(?!\d))", ""),
    rewrite(r"(?<![\d.,-])\d{10,}(?![\d.,-]\d)", lambda m: _digits(in_groups(m[0], 2))),
    rewrite(r"(?<![\d.,:/-])(?<!\d\s)0\d+(?![\d.,:/-])", lambda m: _digits(m[0])),
    rewrite(
        r"\b(код\w{0,2}|пин(?:-код)?\w{0,2}|парол\w{1,2}|паспорт\w{0,2}) ((?:\d{2,6} ){0,3}\d{4,12})(?![\d-])",
        lambda m: f"{m[1]} {_digits(in_groups(only_digits(m[2]), 2))}",
    ),
    # Dates in digits.
    rewrite(r"(?<![\d./-])(\d{4})[/-](\d{2})[/-](\d{2})(?![\d/-])", lambda m: _numeric_date(m[1], m[2], m[3])),
    rewrite(
        r"\b(сегодня|завтра|вчера)( | [а-я]{5,11}, )(\d{1,2})\.(\d{2})\.(\d{4}|\d{2})(?![\d.]\d)(?: ?г(?:\.|ода))?",
        lambda m: f"{m[1]}{m[2]}{int(m[3])}-е {_numeric_date(m[5], m[4], m[3]).split(' ', 1)[1]}",
    ),
    rewrite(
        r"(?<![\d.])(\d{1,2})\.(\d{2}|\d(?=\.\d{4}))\.(\d{4}|\d{2})(?![\d.]\d)(?: ?г\.| года)?",
        lambda m: _numeric_date(m[3], m[2], m[1]),
    ),
    rewrite(rf"\b(сегодня|завтра|вчера)( | [а-я]{{5,11}}, )(\d{{1,2}}) (?={_MONTHS})", r"\1\2\3-е "),
    rewrite(rf"(?<![\w.,-])(?<!с )(\d{{1,2}})\s?[-–—]\s?(\d{{1,2}}) ({_MONTHS})\b", r"с \1 по \2 \3"),
    rewrite(
        rf"(?<![\w.,-])(?<!с )(\d{{1,2}}) ({_MONTHS})\s?[-–—]\s?(\d{{1,2}}) ({_MONTHS})\b",
        r"с \1 \2 по \3-е \4",
    ),
    # Clock times. 24:00 is a time of its own.
    rewrite(r"(?<![\d:])(\d{1,2})(?::([0-5]\d))? ?([ap])\.?m\b\.?", _twelve_hour_time),
    rewrite(rf"(?<![\d:.,-])(с |от )?{_TIME}\s?(?:[-–—]|до)\s?{_TIME}(?![\d:])(?! ?руб)", _time_range),
    rewrite(r"\b(ко?) ([01]?\d|2[0-4])[:-]([0-5]\d)(?![\d:-])", _time_dative),
    rewrite(
        rf"\b({_GENITIVES}) ([01]?\d|2[0-4])[:-]([0-5]\d)(?![\d:-])",
        lambda m: f"{m[1]} {_time(m[2], m[3], genitive=True)}",
    ),
    rewrite(r"(?<![\d:,.-])([01]?\d|2[0-4])-00(?![\d:-])", lambda m: _time(m[1], "00")),
    rewrite(r"(?<![\d:,.-])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])", lambda m: _time(m[1], m[2])),
    rewrite(
        rf"\b({_WEEKDAY})\.?\s?[-–—]\s?({_WEEKDAY})\b\.?",
        lambda m: f"с {_WEEKDAYS[m[1].lower()][0]} по {_WEEKDAYS[m[2].lower()][1]}",
    ),
    rewrite(
        rf"\b(в|к|{_GENITIVES}) ([01]?\d|2[0-4])\.([0-5][05])(?!\.?\d| ?(?:[%₽$€]|руб|кг|м\b|км|л\b|г\b|тыс|млн))",
        lambda m: f"{m[1]} {_time(m[2], m[3], genitive=m[1].lower() not in ('в', 'к'))}",
    ),
    rewrite(rf"\b({_WEEKDAY})\b\.?(?=:? ?(?:с |до |—|-|\d|выходн))", lambda m: _WEEKDAYS[m[1].lower()][2]),
    # Numbers joined to words, decades, wars.
    rewrite(r"(?<![\w.,-])1,5-(?=[а-я]{4})", "полутора"),
    rewrite(
        rf"(?<![\w.,-])(\d{{1,3}}) ({_NUMBERED})\b(?! для)",
        lambda m: f"{m[1]}{_ENDINGS.get(m[2].lower(), '-й')} {m[2]}",
    ),
    rewrite(r"(?<![\w.,-])(\d{1,3})-(лети[а-я]{1,3}|этажк[а-я]{1,3}|комнатк[а-я]{1,3}|минутк[а-я]{1,3})\b", _compound),
    rewrite(r"(?<![\w.,-])([2-9]0)-е\b(?! [а-я]+[ое]е\b)", lambda m: _DECADES[m[1]]),
    rewrite(r"(?-i:\b(I{1,3}) мировая)", lambda m: f"{_WARS[m[1]]} мировая"),
    rewrite(r"(?<!\d)24/7(?!\d)", "24 на 7"),
    # Money and large numbers.
    rewrite(
        r"([$€£₽¥]) ?(\d{1,12}(?:[.,]\d{1,3})?) ?(тыс|млн|млрд)\b\.?",
        lambda m: f"{m[2].replace('.', ',')} {m[3]} {_CURRENCIES[m[1]]}",
    ),
    rewrite(
        rf"(?<=\d) ?(руб|р|₽)\.? ?/ ?({'|'.join(_PER)})\b\.?",
        lambda m: f" рублей {_PER[m[2].lower()]}",
    ),
    rewrite(r"(?<=\d)\.(?=\d{3}\.\d{3}(?!\d))|(?<=\d\.\d{3})\.(?=\d{3}(?!\d))", " "),
    rewrite(
        r"([$€£₽¥]) ?(\d{1,12}(?:[.,]\d{1,3})?) ?(bn|[kmbкм])(?!\w)",
        lambda m: f"{m[2].replace('.', ',')} {_SUFFIXES[m[3].lower()]} {_CURRENCIES[m[1]]}",
    ),
    rewrite(r"\b(цена|стоимость|итого|сумма) (?=\d)", r"\1: "),
    # Ranges, signs and superscripts.
    rewrite(r"(?<=\d)\s?[~∼]\s?(?=\d)", "–"),
    rewrite(r"(?<=\d) ?х ?(?=\d)", "×"),
    rewrite(rf"(?<=\d)\s?[×x]\s?(\d{{1,9}})(?= ?(?:{_UNITS})\b)", r" на \1"),
    rewrite(r"(?<=\d)²|(?<=\b[a-z])²", " в квадрате"),
    rewrite(r"(?<=\d)³|(?<=\b[a-z])³", " в кубе"),
    rewrite(r"(\d{1,3}) ?% ?[-–—] ?(\d{1,3}) ?%", r"от \1 до \2%"),
    rewrite(r"(?<=\d) : (?=\d[^=\n]{0,40}=)", " разделить на "),
    rewrite(r"(?<![\d:./])(\d{1,3}):(\d{1,3})(?![\d:.])", r"\1 \2"),
    rewrite(r"(?<![\d/.])(\d{2,3})/(\d{2,3})(?![\d/.])", r"\1 на \2"),
    rewrite(r"(?<![\d.,-])1 (?=(?:минуту|секунду|неделю|штуку|копейку|комнату|страницу)\b)", "одну "),
    rewrite(r"(?<=[\w)]) ?>= ?|≥", " больше или равно "),
    rewrite(r"(?<=[\w)]) ?<= ?|≤", " меньше или равно "),
    # Abbreviations and versions.
    rewrite(r"\bтел\.(?=[\s:])", "телефон"),
    rewrite(
        r"\b(верси\w{1,2}|v\.?) ?(\d{1,4})\.(\d{1,4})(?![\d.]\d)",
        lambda m: f"{m[1]} {num2words(int(m[2]), lang='ru')} точка {num2words(int(m[3]), lang='ru')}",
    ),
    rewrite(r"(?<![\d.,])(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?![\d.]\d)", r"\1 точка \2 точка \3"),
)
"""Applied before ``ru-normalizr``."""

RUSSIAN_SIGNS = {
    "№": "номер", "&": "и", "+": "плюс", "=": "равно", "×": "умножить на", "°": "градусов", "%": "процентов",
    "§": "параграф", "₽": "рублей", "$": "долларов", "€": "евро", "£": "фунтов", "¥": "иен", "@": "собака",
    "<": "меньше", ">": "больше", "≤": "меньше или равно", "≥": "больше или равно", "±": "плюс-минус",
    "≈": "примерно", "≠": "не равно", "÷": "разделить на", "²": "в квадрате", "³": "в кубе", "−": "минус",
    ".": "точка", "-": "дефис", "_": "подчёркивание",
}  # fmt: skip
