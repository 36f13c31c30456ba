"""Finding a person, and what can be done with the data that is stored."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.privacy.service import DataSubject, FoundPerson
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import card, curl_line, show_search_icon
from ui.components.section import draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_time_ago
from ui.tabs.privacy.person_dialog import PersonDialog
from ui.translations import Translator
from ui.url_state import UrlState

SOURCES = ("telegram", "widget", "phone", "api", "admin")


async def _nothing() -> None:
    """The default callback."""


class PeopleCard:
    """``person`` in the address is the search. ``on_erased`` is awaited after an erasure."""

    def __init__(self, panel: PanelContext, state: UrlState) -> None:
        self._panel = panel
        self._state = state
        self.on_erased: Callable[[], Awaitable[None]] = _nothing
        self._dialog = PersonDialog(panel, self._handle_erased)
        t = panel.t
        with card(t("privacy.find_title")):
            search = TextInput(
                placeholder=t("privacy.find"),
                value=state.get("person"),
                on_change=lambda e: self._search(e.value or ""),
            )
            search.props(f'outlined dense clearable debounce=300 aria-label="{t("privacy.find")}"')
            show_search_icon(search)
            self._note = html.div().classes("privacy-note")
            self._list = html.div().classes("rows privacy-people").props("role=list")
            self._list.props["aria-label"] = t("privacy.found")
            curl_line(panel, "POST", "/privacy/export", {"person": "…"})

    async def refresh(self) -> None:
        text = self._state.get("person").strip()
        found: tuple[FoundPerson, ...] = ()
        try:
            self._panel.require_read(AdminResource.PRIVACY)
            found = await self._panel.services.office.privacy.find(text)
        except SecretaryError as error:
            self._panel.toast_error(error)
        self._note.clear()
        with self._note:
            self._draw_note(text, nobody=not found)
        self._list.clear()
        with self._list:
            self._draw(text, found)

    async def _search(self, text: str) -> None:
        self._state.set(person=text)
        await self.refresh()

    async def _handle_erased(self) -> None:
        await self.refresh()
        await self.on_erased()

    def _draw_note(self, text: str, *, nobody: bool) -> None:
        t = self._panel.t
        if not text:
            html.p(t("privacy.find_hint")).classes("muted")
        elif nobody:
            draw_empty_state("person_search", t("privacy.nobody"), t("privacy.nobody_hint"))

    def _draw(self, text: str, found: tuple[FoundPerson, ...]) -> None:
        t = self._panel.t
        for person in found:
            name = person.display_name or person.person
            self._row(name, _where(person, t), DataSubject(person.person, person.source, person.source_id), name)
        if text:
            self._row(t("privacy.exactly", text=text), t("privacy.everywhere"), DataSubject(text), text)

    def _row(self, title: str, note: str, subject: DataSubject, name: str) -> None:
        t = self._panel.t
        with html.div().classes("privacy-person").props("role=listitem"):
            with html.div().classes("privacy-text"):
                html.div(title).classes("privacy-name")
                html.div(note).classes("muted")
            button = ui.button(t("privacy.open"), on_click=lambda: self._dialog.open(subject, name))
            button.props("flat dense no-caps aria-haspopup=dialog")
            button.props["aria-label"] = t("privacy.open_of", name=title)


def _where(person: FoundPerson, t: Translator) -> str:
    source = t(f"privacy.source.{person.source}") if t.has(f"privacy.source.{person.source}") else person.source
    parts = [source, person.source_id, person.person if person.display_name else ""]
    parts.append(t.count("privacy.conversations", person.conversations) if person.conversations else "")
    parts.append(format_time_ago(person.last_seen, t) if person.last_seen is not None else "")
    return " · ".join(part for part in parts if part)
