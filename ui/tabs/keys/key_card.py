"""One API key: what it may do, when it was used, and its usage of today against its limits."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

from nicegui import html, ui

from deployments.administration.keys.service import ApiKeyView
from ui.components.page_parts import fact, icon_button, pill
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.formatting import format_amount, format_number
from ui.translations import Translator

SCOPE_TEXTS = {
    "chat": "keys.scope_chat",
    "audio": "keys.scope_audio",
    "metrics": "keys.scope_metrics",
    "voices": "keys.scope_voices",
}
_SOON = timedelta(days=7)
_NEARLY_USED_UP = 0.8

UsageBar = tuple[str, str, float | None]
"""What is counted, the amount in words, and the used part of the limit."""


class KeyCard:
    """``show`` redraws only what has changed, so that the buttons keep the focus."""

    def __init__(
        self,
        panel: PanelContext,
        on_edit: Callable[[ApiKeyView], object],
        on_revoke: Callable[[ApiKeyView], Awaitable[None]],
    ) -> None:
        self._panel = panel
        self._view: ApiKeyView | None = None
        t = panel.t
        with html.article().classes("card keys-card").props("role=listitem") as self.element:
            with html.div().classes("keys-head"):
                head = html.div().classes("keys-name")
                with html.div().classes("row-line"):
                    self._edit = icon_button("tune", t("keys.edit"), lambda: on_edit(self._shown)).props(
                        "aria-haspopup=dialog"
                    )
                    self._revoke = icon_button("key_off", t("keys.revoke"), lambda: on_revoke(self._shown)).props(
                        "aria-haspopup=dialog"
                    )
            facts = html.dl().classes("keys-facts")
            bars = html.div().classes("keys-bars")
        self._head: RedrawnSection[tuple[str, str, str, tuple[str, ...], datetime | None]]
        self._head = RedrawnSection(head, self._draw_head)
        self._facts: RedrawnSection[tuple[tuple[str, str], ...]] = RedrawnSection(facts, self._draw_facts)
        self._bars: RedrawnSection[tuple[UsageBar, ...]] = RedrawnSection(bars, self._draw_bars)

    @property
    def _shown(self) -> ApiKeyView:
        assert self._view is not None
        return self._view

    def show(self, view: ApiKeyView) -> None:
        self._view = view
        key, t = view.key, self._panel.t
        self.element.props["data-key"] = str(key.id)
        self._edit.props["aria-label"] = t("keys.edit_of", name=key.name)
        self._revoke.props["aria-label"] = t("keys.revoke_of", name=key.name)
        self._head.show((key.name, key.owner, key.prefix, key.scopes, key.expires_at))
        self._facts.show(_facts(view, t))
        self._bars.show(usage_bars(view, t))

    def _draw_head(self, view: tuple[str, str, str, tuple[str, ...], datetime | None]) -> None:
        name, owner, prefix, scopes, expires_at = view
        t = self._panel.t
        with html.div().classes("row-line"):
            html.h2(name)
            html.code(f"{prefix}…").classes("keys-prefix")
            if owner:
                html.span(owner).classes("muted")
        with html.div().classes("row-line"):
            for scope in scopes:
                pill(t(SCOPE_TEXTS[scope]) if scope in SCOPE_TEXTS else scope)
            if expires_at is not None and expires_at <= datetime.now(UTC):
                pill(t("keys.expired"), "bad")
            elif expires_at is not None and expires_at <= datetime.now(UTC) + _SOON:
                pill(t("keys.expires_soon"), "warn")

    def _draw_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        for name, value in facts:
            fact(name, value)

    def _draw_bars(self, bars: tuple[UsageBar, ...]) -> None:
        for name, amount, part in bars:
            with html.div().classes("keys-bar"):
                with html.div().classes("keys-bar-line"):
                    html.span(name)
                    html.span(amount).classes("keys-amount")
                if part is not None:
                    colour = "negative" if part >= 1 else "warning" if part >= _NEARLY_USED_UP else "primary"
                    bar = ui.linear_progress(min(part, 1.0), show_value=False, color=colour).props("rounded size=6px")
                    bar.props["aria-label"] = f"{name}: {amount}"


def _facts(view: ApiKeyView, t: Translator) -> tuple[tuple[str, str], ...]:
    expires = view.key.expires_at
    return (
        (t("keys.last_used"), _day(view.last_used_on, t) if view.last_used_on else t("common.never")),
        (t("keys.created"), _day(view.created_at.date(), t)),
        (t("keys.expires"), _day(expires.date(), t) if expires else t("keys.never_expires")),
    )


def _day(day: date, t: Translator) -> str:
    today = datetime.now(UTC).date()
    if day == today:
        return t("keys.today")
    if day == today - timedelta(days=1):
        return t("keys.yesterday")
    return day.strftime("%d.%m.%Y" if t.language == "ru" else "%Y-%m-%d")


def usage_bars(view: ApiKeyView, t: Translator) -> tuple[UsageBar, ...]:
    used, limits = view.used_today, view.key.limits
    requests = _count(view.requests_today, t)
    if limits.requests_per_minute:
        requests = t("keys.at_most_a_minute", used=requests, limit=_count(limits.requests_per_minute, t))
    minutes = format_amount(used.audio_seconds / 60, 1, t)
    bars: list[UsageBar] = [
        (t("keys.requests_today"), requests, None),
        _bar(t("keys.tokens_today"), _count(used.tokens, t), used.tokens, limits.tokens_per_day, t),
        _bar(t("keys.audio_today"), minutes, used.audio_seconds / 60, limits.audio_seconds_per_day / 60, t),
        _bar(t("keys.cost_today"), format_amount(used.cost, 2, t), used.cost, limits.cost_per_day, t),
    ]
    return tuple(bars)


def _bar(name: str, amount: str, used: float, limit: float, t: Translator) -> UsageBar:
    if not limit:
        return name, t("keys.without_limit", used=amount), None
    whole = _count(int(limit), t) if limit == int(limit) else format_number(limit, 2, t)
    return name, t("keys.of_limit", used=amount, limit=whole), used / limit


def _count(number: int, t: Translator) -> str:
    """With narrow spaces or commas between thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}" if t.language == "ru" else ",")


def what_stops(view: ApiKeyView, t: Translator) -> str:
    """What stops working when the key is revoked, for the person who is about to do it."""
    abilities = ", ".join(t(SCOPE_TEXTS[scope]) for scope in view.key.scopes if scope in SCOPE_TEXTS)
    used = _day(view.last_used_on, t) if view.last_used_on else t("common.never")
    return t("keys.revoke_text", abilities=abilities, used=used, count=_count(view.requests_today, t))
