"""FAQ entries: search, test, add, change and delete."""

from dataclasses import dataclass, replace

from nicegui import html, ui

from deployments.administration.faq.service import FaqDraft, FaqPage
from deployments.contracts.errors import SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.faq_editor import FaqEditor
from ui.components.faq_rows import FaqRowActions, faq_row
from ui.components.match_tester import MatchTester
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.context import PanelContext, keep_tab_open
from ui.translations import LANGUAGES

PAGE_SIZE = 20
SEARCH_DEBOUNCE_S = 0.25


@dataclass(frozen=True, slots=True)
class FaqFilter:
    query: str = ""
    language: str | None = None
    page: int = 1


async def show(panel: PanelContext) -> None:
    tab = FaqTab(panel)
    await tab.refresh()
    async with keep_tab_open():
        pass


class FaqTab:
    """The list with its filter. ``refresh`` is called after every change."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._filter = FaqFilter()
        self._editor = FaqEditor(panel, on_saved=self.refresh)
        t = panel.t
        with html.div().classes("faq"):
            with html.div().classes("page-head"):
                html.h1(t("faq.title"))
                if panel.faq.can_change:
                    ui.button(t("faq.add"), icon="add", on_click=lambda: self._editor.open()).props(
                        "unelevated no-caps"
                    )
            if panel.faq.can_change:
                MatchTester(panel)
            else:
                ui.label(t("faq.read_only")).classes("notice").props("role=note")
            self._build_filter()
            rows = html.div().classes("faq-list").props(f'role=list aria-label="{t("faq.title")}"')
            note = html.div()
            foot = html.div().classes("faq-foot")
        with note:
            draw_skeleton(6)
        self._rows: KeyedList[FaqEntry] = KeyedList(rows, self._draw_row)
        self._note: RedrawnSection[str] = RedrawnSection(note, self._draw_note)
        self._pages: RedrawnSection[tuple[int, int]] = RedrawnSection(foot, self._draw_foot)

    async def refresh(self) -> None:
        """Reads and shows the page of the filter, or the last page if there are fewer."""
        try:
            faq_page = await self._read()
            last = max(1, -(-faq_page.total // PAGE_SIZE))
            if self._filter.page > last:
                self._filter = replace(self._filter, page=last)
                faq_page = await self._read()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._rows.show(faq_page.entries)
        self._note.show(self._empty_reason(faq_page))
        self._pages.show((faq_page.total, self._filter.page))

    def _empty_reason(self, faq_page: FaqPage) -> str:
        if faq_page.total:
            return ""
        return "no_match" if self._filter.query or self._filter.language else "no_entries"

    async def _read(self) -> FaqPage:
        current = self._filter
        offset = (current.page - 1) * PAGE_SIZE
        return await self._panel.faq.list(current.query, current.language, PAGE_SIZE, offset)

    async def _apply_filter(self, new_filter: FaqFilter) -> None:
        self._filter = new_filter
        await self.refresh()

    def _build_filter(self) -> None:
        t = self._panel.t
        with html.div().classes("filter"):
            search = ui.input(
                placeholder=t("faq.search"),
                on_change=lambda e: self._apply_filter(replace(self._filter, query=e.value or "", page=1)),
            )
            search.props(
                f'outlined dense clearable debounce={int(SEARCH_DEBOUNCE_S * 1000)} aria-label="{t("faq.search")}"'
            )
            search.classes("filter-search")
            with search.add_slot("prepend"):
                ui.icon("search")
            options = {"": t("faq.all_languages")} | {code: code.upper() for code in LANGUAGES}
            toggle = ui.toggle(
                options,
                value="",
                on_change=lambda e: self._apply_filter(replace(self._filter, language=e.value or None, page=1)),
            )
            toggle.props(f'unelevated dense no-caps aria-label="{t("faq.language")}"').classes("filter-language")

    def _draw_row(self, entry: FaqEntry) -> ui.element:
        actions = FaqRowActions(self._editor.open, self._delete, self._switch) if self._panel.faq.can_change else None
        return faq_row(entry, actions, self._panel.t)

    def _draw_note(self, reason: str) -> None:
        """Explains an empty list."""
        t = self._panel.t
        if reason == "no_match":
            draw_empty_state("search_off", t("faq.nothing_found"), t("faq.nothing_found_hint"))
        elif reason:
            draw_empty_state("quiz", t("faq.empty"), t("faq.empty_hint"))

    def _draw_foot(self, view: tuple[int, int]) -> None:
        total, page = view
        html.span(self._panel.t.count("faq.found", total)).classes("faq-total")
        pages = -(-total // PAGE_SIZE)
        if pages > 1:
            pagination = ui.pagination(
                1, pages, value=page, on_change=lambda e: self._apply_filter(replace(self._filter, page=e.value))
            )
            pagination.props("max-pages=5 boundary-numbers direction-links flat")

    async def _switch(self, entry: FaqEntry, enabled: bool) -> None:
        draft = FaqDraft.model_validate(entry.model_dump(include=set(FaqDraft.model_fields)) | {"enabled": enabled})
        try:
            await self._panel.faq.update(entry.id, draft, entry.version)
        except SecretaryError as error:
            self._panel.toast_error(error)
            self._rows.redraw(entry)
        else:
            self._panel.toast(self._panel.t("faq.switched_on" if enabled else "faq.switched_off"))
        await self.refresh()

    async def _delete(self, entry: FaqEntry) -> None:
        t = self._panel.t
        if not await ask_confirmation(
            self._panel.client, t("faq.delete_title"), entry.question, t("faq.delete"), t("common.cancel")
        ):
            return
        try:
            await self._panel.faq.delete(entry.id)
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            self._panel.toast(t("faq.deleted"))
        await self.refresh()
