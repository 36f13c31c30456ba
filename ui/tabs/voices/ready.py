"""What is spoken already: phrases in the memory of the doors, and answers that are kept ready on disk."""

from dataclasses import dataclass
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.ready_answers import ReadyAnswerAdministration
from deployments.conversation.ready.maker import STATES, PhraseState, ReadyAnswerState
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import Tone, attempt, card, fact, icon_button, pill
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.formatting import format_number
from ui.url_state import UrlState

PAGE_SIZE = 25
_MEGABYTE = 1 << 20
_TONES: dict[PhraseState, Tone] = {"ready": "good", "waiting": "plain", "failed": "bad", "no_space": "warn"}
_STATE_TEXTS: dict[PhraseState, str] = {
    "ready": "voices.state_ready",
    "waiting": "voices.state_waiting",
    "failed": "voices.state_failed",
    "no_space": "voices.state_no_space",
}
_SOURCE_TEXTS = {
    "faq": "voices.source_faq",
    "persona": "voices.source_persona",
    "bot": "voices.source_bot",
    "widget": "voices.source_widget",
    "filler": "voices.source_filler",
}


async def draw_ready(panel: PanelContext, url: UrlState) -> None:
    section = ReadySection(panel, url)
    await section.refresh()
    refresh_while_visible(panel, section.refresh, max(1.0, panel.refresh_interval_s))


@dataclass(frozen=True, slots=True)
class _Totals:
    cache_mb: int
    hits: float
    misses: float
    counts: tuple[tuple[PhraseState, int], ...]
    used_mb: float
    most_mb: float
    problem: str


@dataclass(frozen=True, slots=True)
class _Page:
    answers: tuple[ReadyAnswerState, ...]
    total: int


class ReadySection:
    def __init__(self, panel: PanelContext, url: UrlState) -> None:
        self._panel, self._url = panel, url
        self._may_change = panel.can_change(AdminResource.VOICES)
        services = panel.services
        self._administration = ReadyAnswerAdministration(services.ready_answers, services.operations.audit_recorder)
        wanted = url.get("state")
        self._state: PhraseState | None = next((state for state in STATES if state == wanted), None)
        self._page = url.number("page", 1, 1)
        t = panel.t
        with card(t("voices.cache_title"), t("voices.cache_note")):
            cache = html.div()
        with card(t("voices.ready_title"), t("voices.ready_note")), html.div().classes("rows"):
            totals = html.div()
            options = {"": t("common.all")} | {state: t(_STATE_TEXTS[state]) for state in STATES}
            select = ui.select(options, value=self._state or "", label=t("voices.state"))
            select.props("outlined dense options-dense").classes("voices-language").on_value_change(self._choose)
            rows = html.div().classes("rows")
        self._cache: RedrawnSection[_Totals] = RedrawnSection(cache, self._draw_cache)
        self._totals: RedrawnSection[_Totals] = RedrawnSection(totals, self._draw_totals)
        self._rows: RedrawnSection[_Page] = RedrawnSection(rows, self._draw_rows)

    async def refresh(self) -> None:
        services = self._panel.services
        ready, speech = services.ready_answers, services.publisher.current.settings.speech
        phrases = (await services.operations.monitor.metrics()).counts.phrase_cache
        totals = _Totals(
            cache_mb=speech.cache_mb,
            hits=phrases.get("hit", 0),
            misses=phrases.get("miss", 0),
            counts=tuple(ready.counts().items()),
            used_mb=round(ready.size / _MEGABYTE, 1),
            most_mb=ready.max_size / _MEGABYTE,
            problem=ready.problem,
        )
        found = [each for each in ready.answers() if self._state in (None, each.state)]
        self._page = max(1, min(self._page, -(-len(found) // PAGE_SIZE)))
        start = (self._page - 1) * PAGE_SIZE
        self._cache.show(totals)
        self._totals.show(totals)
        self._rows.show(_Page(tuple(found[start : start + PAGE_SIZE]), len(found)))

    async def _choose(self, event: object) -> None:
        value = str(getattr(event, "value", ""))
        self._state, self._page = next((state for state in STATES if state == value), None), 1
        self._url.set(state=value, page=None)
        await self.refresh()

    def _draw_cache(self, totals: _Totals) -> None:
        t = self._panel.t
        asked = totals.hits + totals.misses
        with html.dl().classes("facts voices-facts"):
            fact(t("voices.cache_limit"), t("voices.mb", size=totals.cache_mb))
            fact(t("voices.cache_rate"), f"{100 * totals.hits / asked:.0f} %" if asked else t("common.never"))
            fact(t("voices.cache_hits"), format_number(totals.hits, 0, t))
        if self._may_change:
            ui.button(t("voices.cache_clear"), on_click=self._clear_cache).props("outline no-caps")

    def _draw_totals(self, totals: _Totals) -> None:
        t = self._panel.t
        with html.div().classes("row-line"):
            for state, count in totals.counts:
                if count or state == "ready":
                    pill(f"{t(_STATE_TEXTS[state])}: {count}", _TONES[state])
            size = f"{format_number(totals.used_mb, 1, t)} / {totals.most_mb:.0f}"
            html.span(t("voices.ready_size", size=size)).classes("muted")
            if self._may_change:
                ui.button(t("voices.ready_clear"), on_click=self._clear_ready).props(
                    "flat dense no-caps aria-haspopup=dialog"
                )
        if totals.problem:
            ui.label(t("voices.ready_problem", problem=totals.problem)).classes("notice").props("role=note")

    def _draw_rows(self, page: _Page) -> None:
        t = self._panel.t
        if not page.total:
            draw_empty_state("graphic_eq", t("voices.ready_empty"), t("voices.ready_empty_hint"))
        for each in page.answers:
            self._draw_answer(each)
        pages = -(-page.total // PAGE_SIZE)
        if pages > 1:
            ui.pagination(1, pages, value=self._page, on_change=lambda e: self._turn(int(e.value))).props("max-pages=5")

    async def _turn(self, page: int) -> None:
        self._page = page
        self._url.set(page=page)
        await self.refresh()

    def _draw_answer(self, each: ReadyAnswerState) -> None:
        t = self._panel.t
        with html.div().classes("row-line voices-answer"):
            with html.div().classes("voice-text"):
                html.h3(each.answer.title)
                facts = [t(_SOURCE_TEXTS[each.answer.source]), each.answer.language.upper(), *each.answer.voices]
                facts.append(t("voices.ready_phrases", ready=each.ready, all=each.phrases))
                html.p(" · ".join(facts)).classes("muted voice-facts")
                if each.error:
                    html.p(each.error).classes("muted voice-facts")
            pill(t(_STATE_TEXTS[each.state]), _TONES[each.state])
            if self._may_change:
                label = t("voices.ready_remake", title=each.answer.title)
                icon_button("refresh", label, partial(self._remake, each))

    async def _remake(self, each: ReadyAnswerState) -> None:
        async def remake() -> None:
            by = self._panel.require_change(AdminResource.VOICES)
            await self._administration.remake(each.answer.source, each.answer.id, by)

        await attempt(self._panel, remake, self._panel.t("voices.ready_remade"))
        await self.refresh()

    async def _clear_cache(self) -> None:
        async def clear() -> None:
            by = self._panel.require_change(AdminResource.VOICES)
            await self._panel.services.office.voices.clear_phrase_cache(by)

        await attempt(self._panel, clear, self._panel.t("voices.cache_cleared"))

    async def _clear_ready(self) -> None:
        panel, t = self._panel, self._panel.t
        title = t("voices.ready_clear")
        if not await ask_confirmation(panel.client, title, t("voices.ready_clear_text"), title, t("common.cancel")):
            return

        async def clear() -> None:
            await self._administration.clear(panel.require_change(AdminResource.VOICES))

        await attempt(panel, clear, t("voices.ready_cleared"))
        await self.refresh()
