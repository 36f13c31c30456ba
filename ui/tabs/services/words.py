"""What the page says about a service: its name, its state, its colour and the actions that suit it."""

import re
from collections.abc import Collection

from deployments.administration.services.service_control import ServiceAction, ServiceView
from ui.components.page_parts import Tone
from ui.formatting import format_number
from ui.translations import Translator

_TONES: dict[str, Tone] = {
    "running": "good",
    "stopped": "plain",
    "sleeping": "plain",
    "starting": "plain",
    "loading": "plain",
    "switching": "plain",
    "stopping": "plain",
}
_BUSY = frozenset({"starting", "loading", "switching", "stopping"})
_PERCENT = re.compile(r"(\d{1,3}) ?%")


def service_title(view: ServiceView, all_views: Collection[ServiceView], t: Translator) -> str:
    """What the service does, in words; with its name when several do the same."""
    key = f"services.kind.{view.kind}"
    title = t(key) if t.has(key) else view.display_name
    several = sum(each.kind == view.kind for each in all_views) > 1
    return f"{title} {view.name}" if several else title


def service_purpose(view: ServiceView, t: Translator) -> str:
    key = f"services.purpose.{view.kind}"
    return t(key) if t.has(key) else ""


def stop_effect(view: ServiceView, t: Translator) -> str:
    """What does not work while the service is stopped."""
    key = f"services.without.{view.kind}"
    return t(key) if t.has(key) else t("services.without.other")


def state_text(state: str, t: Translator) -> str:
    key = f"services.state.{state}"
    return t(key) if t.has(key) else t("services.state.unknown")


def state_tone(state: str) -> Tone:
    return _TONES.get(state, "bad")


def is_busy(view: ServiceView) -> bool:
    """Whether the service is on its way to another state."""
    return view.status in _BUSY


def actions_for(view: ServiceView) -> tuple[ServiceAction, ...]:
    """The actions that make sense now, the most likely one first."""
    if view.wanted == "stopped":
        return ("start",)
    if view.status == "sleeping":
        return ("wake", "stop")
    if view.status == "running":
        return ("restart", "sleep", "stop") if view.can_sleep else ("restart", "stop")
    return ("restart", "stop")


def progress_share(progress: str) -> float | None:
    """The share from 0 to 1 in a phrase such as "loading weights 45 %", if there is one."""
    found = _PERCENT.search(progress)
    return min(1.0, int(found[1]) / 100) if found else None


def format_memory(megabytes: float, t: Translator) -> str:
    """Memory in coarse steps, so that a card does not change with every reading."""
    if megabytes < 1_000:
        return t("services.mb", value=int(round(megabytes, -1)) or 1)
    return t("services.gb", value=format_number(megabytes / 1024, 1, t))


def format_uptime(seconds: float, t: Translator) -> str:
    """A time without the seconds: "2 h 5 min", "3 days"."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return t("services.under_a_minute")
    if minutes < 60:
        return t("services.minutes", minutes=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return t("services.hours", hours=hours, minutes=rest)
    return t.count("services.days", hours // 24)
