"""Audit: who changed what and when, filtered, checked, exported and trimmed."""

from datetime import UTC, date, datetime, time, timedelta

from nicegui import html, ui

from deployments.administration.audit.audit_log import AuditFilter, AuditStats
from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import card, page_heading, read_only_note
from ui.components.section import RedrawnSection, draw_empty_state, draw_skeleton
from ui.components.text_fields import TextInput
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.tabs.audit.day_bars import DayBar, DayBars
from ui.tabs.audit.event_table import EventTable
from ui.tabs.audit.keeping import KeepingCard, download_events
from ui.tabs.audit.words import action_text, object_text, person_text
from ui.url_state import UrlState

PAGE_SIZE = 25
_BAR_DAYS = 30


async def show(panel: PanelContext) -> None:
    page = AuditPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh)


class AuditPage:
    """The filter is in the address: ``who``, ``action``, ``object``, ``from``, ``to`` and ``page``."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        self._zone = panel.time_zone
        t = panel.t
        with html.div().classes("page audit"):
            with page_heading(t("audit.title"), t("audit.lead")):
                for name in ("json", "csv"):
                    button = ui.button(name.upper(), icon="download", on_click=lambda name=name: self._download(name))
                    button.props("outline no-caps").props["aria-label"] = t("audit.download", format=name.upper())
            read_only_note(panel, AdminResource.AUDIT)
            with card(t("audit.days"), size="audit-days"):
                self._summary = ui.label().classes("muted")
                self._bars = DayBars(panel, self._choose_day)
            with card(t("audit.events_title"), size="audit-events"):
                self._build_filter()
                self._table = EventTable(panel)
                note = html.div()
                foot = html.div().classes("faq-foot")
            KeepingCard(panel, self.refresh)
        with note:
            draw_skeleton(6)
        self._note: RedrawnSection[str] = RedrawnSection(note, self._draw_note)
        self._foot: RedrawnSection[tuple[int, int]] = RedrawnSection(foot, self._draw_foot)

    async def refresh(self) -> None:
        audit = self._panel.services.office.audit
        criteria, page = self._criteria(), self._url.number("page", 1, least=1)
        try:
            self._panel.require_read(AdminResource.AUDIT)
            records, total = await audit.find(criteria, PAGE_SIZE, (page - 1) * PAGE_SIZE)
            last = max(1, -(-total // PAGE_SIZE))
            if page > last:
                page = last
                records, total = await audit.find(criteria, PAGE_SIZE, (page - 1) * PAGE_SIZE)
            stats = await audit.stats()
            today = datetime.now(self._zone).date()
            unlimited = AuditFilter(criteria.action, criteria.resource, criteria.username)
            days = await audit.days(unlimited, today, _BAR_DAYS, self._zone)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._offer(stats)
        self._table.show(records)
        self._note.show("" if total else "none")
        self._foot.show((total, page))
        self._bars.show(tuple(DayBar(day, count, self._is_chosen(day)) for day, count in days.items()))

    def _criteria(self) -> AuditFilter:
        """The filter of the address. Dates are days of the installation's time zone."""
        since, until = self._day("from"), self._day("to")
        return AuditFilter(
            action=self._url.get("action")[:100],
            resource=self._url.get("object")[:100],
            username=self._url.get("who")[:100],
            since=self._midnight(since) if since else None,
            until=self._midnight(until + timedelta(days=1)) if until else None,
        )

    def _day(self, name: str) -> date | None:
        try:
            day = date.fromisoformat(self._url.get(name))
        except ValueError:
            return None
        return day if 2000 <= day.year <= 2200 else None

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def _is_chosen(self, day: date) -> bool:
        since, until = self._day("from"), self._day("to")
        return bool(since or until) and (since is None or day >= since) and (until is None or day <= until)

    async def _choose_day(self, day: date) -> None:
        """A click on a day shows this day only; on the only chosen one, all days again."""
        chosen = day.isoformat()
        again = (self._url.get("from"), self._url.get("to")) == (chosen, chosen)
        self._from.value = self._to.value = "" if again else chosen

    async def _filter(self, **values: str | None) -> None:
        self._url.set(**values, page=None)
        await self.refresh()

    def _build_filter(self) -> None:
        t = self._panel.t
        with html.div().classes("audit-filter").props(f'role=search aria-label="{t("audit.filter")}"'):
            self._who = self._select("who", t("audit.who"))
            self._action = self._select("action", t("audit.what"))
            self._object = self._select("object", t("audit.object"))
            self._from = self._date("from", t("audit.from_day"))
            self._to = self._date("to", t("audit.to_day"))

    def _select(self, name: str, label: str) -> ui.select:
        value = self._url.get(name)
        select = ui.select(
            {"": self._panel.t("common.all"), value: value},
            value=value,
            label=label,
            on_change=lambda event: self._filter(**{name: event.value}),
        )
        return select.props("outlined dense options-dense")

    def _date(self, name: str, label: str) -> TextInput:
        day = self._day(name)
        field = TextInput(
            label,
            value=day.isoformat() if day else "",
            on_change=lambda event: self._filter(**{name: event.value}),
        )
        return field.props("outlined dense type=date stack-label clearable")

    def _offer(self, stats: AuditStats) -> None:
        """The values that occur in the log, in words."""
        t = self._panel.t
        self._summary.text = t("audit.summary", total=stats.total, day=stats.last_day)
        for select, known, text in (
            (self._who, stats.by_username, person_text),
            (self._action, stats.by_action, action_text),
            (self._object, stats.by_resource, object_text),
        ):
            values = {value for value in (*known, select.value) if value}
            named = sorted(((text(value, t), value) for value in values), key=lambda each: each[0].casefold())
            options = {"": t("common.all")} | {value: name for name, value in named}
            if options != select.options:
                select.set_options(options)

    def _draw_note(self, reason: str) -> None:
        if reason:
            draw_empty_state("search_off", self._panel.t("audit.nothing"), self._panel.t("audit.nothing_hint"))

    def _draw_foot(self, view: tuple[int, int]) -> None:
        total, page = view
        html.span(self._panel.t.count("audit.found", total)).classes("faq-total")
        pages = -(-total // PAGE_SIZE)
        if pages > 1:
            pagination = ui.pagination(1, pages, value=page, on_change=lambda event: self._turn_to(event.value))
            pagination.props("max-pages=5 boundary-numbers direction-links flat")

    async def _turn_to(self, page: int) -> None:
        self._url.set(page=None if page == 1 else page)
        await self.refresh()

    async def _download(self, file_format: str) -> None:
        await download_events(self._panel, self._criteria(), file_format)
