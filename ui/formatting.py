"""Numbers and times as people of the language write them."""

from datetime import UTC, datetime

from ui.translations import Translator


def format_number(value: float, digits: int, t: Translator) -> str:
    """Fixed digits, with the decimal sign of the language."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if t.language == "ru" else text


def format_duration(milliseconds: float, t: Translator) -> str:
    """ "182 ms", "1.24 s": as exact as one can feel."""
    if milliseconds < 10:
        return t("unit.ms", value=format_number(milliseconds, 1, t))
    if milliseconds < 1_000:
        return t("unit.ms", value=f"{milliseconds:.0f}")
    seconds = milliseconds / 1_000
    return t("unit.s", value=format_number(seconds, 2 if seconds < 10 else 1, t))


def format_time_ago(moment: datetime, t: Translator, now: datetime | None = None) -> str:
    """How long ago, in steps coarse enough not to flicker."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds < 20:
        return t("unit.now")
    if seconds < 60:
        return t("unit.ago", time=t.count("unit.seconds", int(seconds // 10) * 10))
    if seconds < 3_600:
        return t("unit.ago", time=t.count("unit.minutes", int(seconds // 60)))
    return t("unit.ago", time=t.count("unit.hours", int(seconds // 3_600)))
