"""Formats numbers, durations and ages in the language of the user."""

from datetime import UTC, datetime, tzinfo

from ui.translations import Translator


def format_number(value: float, digits: int, t: Translator) -> str:
    """A number with a fixed count of decimal digits and the decimal separator of the language."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if t.language == "ru" else text


def format_exactly(value: float, t: Translator) -> str:
    """A number with the decimal digits that it has, and the decimal separator of the language."""
    text = f"{value:g}"
    return text.replace(".", ",") if t.language == "ru" else text


def format_amount(value: float, digits: int, t: Translator) -> str:
    """Like ``format_number``; nothing at all is "0"."""
    return format_number(value, digits, t) if value else "0"


def format_duration(milliseconds: float, t: Translator) -> str:
    """A duration with about three significant digits, for example "182 ms" or "1.24 s"."""
    if milliseconds < 10:
        return t("unit.ms", value=format_number(milliseconds, 1, t))
    if milliseconds < 1_000:
        return t("unit.ms", value=f"{milliseconds:.0f}")
    seconds = milliseconds / 1_000
    return t("unit.s", value=format_number(seconds, 2 if seconds < 10 else 1, t))


def format_time_ago(moment: datetime, t: Translator, now: datetime | None = None) -> str:
    """The age of ``moment`` in coarse steps, for example "40 seconds ago"."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds < 20:
        return t("unit.now")
    if seconds < 60:
        return t("unit.ago", time=t.count("unit.seconds", int(seconds // 10) * 10))
    if seconds < 3_600:
        return t("unit.ago", time=t.count("unit.minutes", int(seconds // 60)))
    if seconds < 48 * 3_600:
        return t("unit.ago", time=t.count("unit.hours", int(seconds // 3_600)))
    return t("unit.ago", time=t.count("unit.days", int(seconds // 86_400)))


def format_moment(moment: datetime, zone: tzinfo, t: Translator, *, seconds: bool = False) -> str:
    """Date and time in ``zone``, for example "30.11.2026 08:42" or "2026-11-30 08:42"."""
    day = "%d.%m.%Y" if t.language == "ru" else "%Y-%m-%d"
    return moment.astimezone(zone).strftime(f"{day} %H:%M{':%S' if seconds else ''}")


def format_size(size_bytes: float, t: Translator) -> str:
    """A size with about three digits, for example "12.4 MB"."""
    units = ("b", "kb", "mb", "gb", "tb")
    exponent = 0
    while size_bytes >= 1_000 and exponent < len(units) - 1:
        size_bytes, exponent = size_bytes / 1_000, exponent + 1
    digits = 0 if exponent == 0 or size_bytes >= 100 else 1
    return t(f"unit.{units[exponent]}", value=format_number(size_bytes, digits, t))
