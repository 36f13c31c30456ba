"""The list of FAQ entries, page by page. Several can be selected and changed together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.ready_answers import ReadyAnswerAdministration
from deployments.answers.templates import render_placeholders
from deployments.contracts.errors import SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.speech import SpeechRequest
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.components.spoken_text import SpokenText
from ui.context import PanelContext
from ui.tabs.faq.editor import FaqEditor
from ui.tabs.faq.filters import PAGE_SIZE, FaqFilterBar
from ui.tabs.faq.row import FaqRow, FaqRowActions, draw_faq_row
from ui.tabs.faq.selection import FaqSelection


class FaqEntries:
    """``refresh`` is called after every change."""

    def __init__(self, panel: PanelContext, filters: FaqFilterBar, editor: FaqEditor, spoken: SpokenText) -> None:
        self._panel = panel
        self._filters = filters
        self._editor = editor
        self._spoken = spoken
        self._entries: tuple[FaqEntry, ...] = ()
        self._shown: list[FaqRow] = []
        self._own_revision = -1
        """The revision of a change that this list shows already."""
        operations = panel.services.operations
        self._ready_answers = ReadyAnswerAdministration(panel.services.ready_answers, operations.audit_recorder)
        self._selection = FaqSelection(panel, self._mark_page, self._switch_selected, self._delete_selected)
        rows = html.div().classes("faq-list").props(f'role=list aria-label="{panel.t("faq.title")}"')
        note = html.div()
        foot = html.div().classes("faq-foot")
        with note:
            draw_skeleton(6)
        self._rows: KeyedList[FaqRow] = KeyedList(rows, self._draw_row)
        self._note: RedrawnSection[str] = RedrawnSection(note, self._draw_note)
        self._pages: RedrawnSection[tuple[int, int]] = RedrawnSection(foot, self._draw_foot)

    async def refresh(self) -> None:
        """Reads and shows the page of the filter, or the last page if there are fewer."""
        try:
            faq_page = await self._filters.read()
            last = max(1, -(-faq_page.total // PAGE_SIZE))
            if self._filters.page > last:
                self._filters.go_to(last)
                faq_page = await self._filters.read()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._entries = faq_page.entries
        self._selection.keep({entry.id for entry in faq_page.entries})
        self.show_sounds()
        empty = "" if faq_page.total else ("no_match" if self._filters.is_set else "no_entries")
        self._note.show(empty)
        self._pages.show((faq_page.total, self._filters.page))

    async def refresh_if_changed_elsewhere(self) -> None:
        """A row that was switched here keeps its place until the list is read for another reason."""
        if self._panel.services.publisher.current.revision != self._own_revision:
            await self.refresh()

    async def refresh_sounds(self) -> None:
        self.show_sounds()

    def show_sounds(self) -> None:
        """Shows the rows with the states of their speech as they are now."""
        ready = self._panel.services.ready_answers
        ids = {str(entry.id) for entry in self._entries if entry.enabled}
        states = ready.answers_of("faq", ids) if ready.max_size else {}
        self._shown = []
        for entry in self._entries:
            found = states.get(str(entry.id))
            sound = (found.state, found.error) if found is not None and found.phrases else ("", "")
            self._shown.append(FaqRow(entry, *sound, self._selection.state(entry.id)))
        self._rows.show(self._shown)

    def _draw_row(self, row: FaqRow) -> ui.element:
        actions = FaqRowActions(
            *(self._edit, self._delete, self._switch, self._select, self._remake, self._request), self._spoken
        )
        return draw_faq_row(row, actions if self._panel.faq.can_change else None, self._panel.t)

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
            pagination = ui.pagination(1, pages, value=page, on_change=lambda e: self._go_to(int(e.value)))
            pagination.props("max-pages=5 boundary-numbers direction-links flat")

    async def _go_to(self, page: int) -> None:
        self._filters.go_to(page)
        await self.refresh()

    async def _edit(self, entry: FaqEntry) -> None:
        try:
            self._panel.require_change(AdminResource.FAQ)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        await self._editor.open_named(str(entry.id), "")

    async def _switch(self, entry: FaqEntry, enabled: bool) -> None:
        row = next((each for each in self._shown if each.entry.id == entry.id), None)
        try:
            await self._panel.faq.set_enabled((entry.id,), enabled)
            changed = await self._panel.faq.get(entry.id)
        except SecretaryError as error:
            self._panel.toast_error(error)
            if row is not None:
                self._rows.redraw(row)
            await self.refresh()
            return
        self._own_revision = self._panel.services.publisher.current.revision
        self._panel.toast(self._panel.t("faq.switched_on" if enabled else "faq.switched_off"))
        if row is not None and (element := self._rekey(row, replace(row, entry=changed))):
            element.classes(remove="faq-row-off") if enabled else element.classes("faq-row-off")

    def _rekey(self, row: FaqRow, changed: FaqRow) -> ui.element | None:
        self._entries = tuple(changed.entry if each.id == changed.entry.id else each for each in self._entries)
        self._shown = [changed if each == row else each for each in self._shown]
        return self._rows.rekey(row, changed)

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

    def _select(self, entry: FaqEntry, selected: bool) -> None:
        self._selection.mark(entry.id, selected)
        for row in self._shown:
            if row.entry.id == entry.id:
                self._rekey(row, replace(row, selected=selected))
                break

    def _mark_page(self, selecting: bool) -> None:
        """Selects all entries of the page, or none."""
        for entry in self._entries:
            self._selection.mark(entry.id, selecting)
        self.show_sounds()

    async def _switch_selected(self, ids: Sequence[int], enabled: bool) -> None:
        try:
            count = await self._panel.faq.set_enabled(ids, enabled)
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            self._panel.toast(self._panel.t.count("faq.many_on" if enabled else "faq.many_off", count))
        await self.refresh()

    async def _delete_selected(self, ids: Sequence[int]) -> None:
        t = self._panel.t
        title = t.count("faq.delete_many_title", len(ids))
        names = "; ".join(entry.question for entry in self._entries if entry.id in ids)
        if not await ask_confirmation(self._panel.client, title, names, t("faq.delete"), t("common.cancel")):
            return
        try:
            count = await self._panel.faq.delete_many(ids)
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            self._panel.toast(t.count("faq.many_deleted", count))
        await self.refresh()

    async def _remake(self, entry: FaqEntry) -> None:
        try:
            by = self._panel.require_change(AdminResource.VOICES)
            await self._ready_answers.remake("faq", str(entry.id), by)
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            self._panel.toast(self._panel.t("faq.remaking"))
        self.show_sounds()

    def _request(self, entry: FaqEntry) -> SpeechRequest:
        zone = ZoneInfo(self._panel.services.publisher.current.settings.time_zone)
        text = render_placeholders(entry.answer, entry.language, datetime.now(UTC).astimezone(zone))
        return SpeechRequest(text, language=entry.language)
