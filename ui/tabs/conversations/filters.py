"""The filters of the list of conversations, kept in the address."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nicegui import html, ui

from deployments.administration.chat.sessions import AnsweredBy, SessionFilter
from deployments.contracts.chat import SourceKind
from ui.components.page_parts import show_search_icon
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.translations import LANGUAGES
from ui.url_state import UrlState

PERIODS = {"today": 1, "week": 7, "month": 30}
_CHANNELS = {kind.value: f"channel.{kind.value}" for kind in SourceKind}
_ANSWERED = {kind.value: f"talks.by_{kind.value}" for kind in AnsweredBy}
SEARCH_DEBOUNCE_MS = 300


def session_filter(state: UrlState, today: date, zone: ZoneInfo) -> SessionFilter:
    """The criteria of the address; unknown values are ignored."""
    answered, days = state.get("by"), PERIODS.get(state.get("period"))
    since = None
    if days is not None:
        since = datetime.combine(today - timedelta(days=days - 1), time.min, zone).astimezone(UTC)
    return SessionFilter(
        source=state.get("channel") if state.get("channel") in _CHANNELS else None,
        text=state.get("text")[:200],
        since=since,
        language=state.get("language") or None,
        answered_by=AnsweredBy(answered) if answered in _ANSWERED else None,
    )


def draw_filters(panel: PanelContext, state: UrlState, on_change: Callable[[], Awaitable[None]]) -> None:
    """The fields. Every change starts at the first page again."""
    t = panel.t

    def field(name: str, label: str, options: dict[str, str]) -> None:
        async def changed(value: str | None) -> None:
            state.set(**{name: value, "page": None})
            await on_change()

        chosen = state.get(name) if state.get(name) in options else ""
        select = ui.select({"": t("common.all")} | options, value=chosen, label=label)
        select.props("outlined dense options-dense").classes("talks-filter")
        select.on_value_change(lambda event: changed(event.value))

    async def searched(value: str | None) -> None:
        state.set(text=(value or "").strip(), page=None)
        await on_change()

    with html.div().classes("talks-filters").props(f'role=search aria-label="{t("talks.filters")}"'):
        search = TextInput(t("talks.search"), value=state.get("text"))
        search.props(f"outlined dense clearable debounce={SEARCH_DEBOUNCE_MS} maxlength=200").classes("talks-search")
        show_search_icon(search)
        search.on_value_change(lambda event: searched(event.value))
        field("channel", t("talks.channel"), {code: t(key) for code, key in _CHANNELS.items()})
        field("period", t("talks.period"), {code: t(f"talks.period_{code}") for code in PERIODS})
        field("by", t("talks.answered_by"), {code: t(key) for code, key in _ANSWERED.items()})
        field("language", t("talks.language"), {code: code.upper() for code in LANGUAGES})
