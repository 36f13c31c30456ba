"""API keys: create, limit and revoke them, and connect programs."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.keys.service import ApiKeyView
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, card, curl_line, page_heading
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.public_address import public_address
from ui.revisions import follow_changes
from ui.tabs.keys.connecting import draw_connections
from ui.tabs.keys.creation import CreationDialog
from ui.tabs.keys.editing import EditDialog
from ui.tabs.keys.key_card import KeyCard, what_stops


async def show(panel: PanelContext) -> None:
    page = KeysPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh)
        follow_changes(panel, page.refresh)
        await page.show_connections()


class KeysPage:
    """The list of keys, with their usage, which is read again every few seconds."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._cards: dict[int, KeyCard] = {}
        self._creation = CreationDialog(panel, self.refresh)
        self._editor = EditDialog(panel, self.refresh)
        t = panel.t
        with html.div().classes("page keys"):
            with page_heading(t("keys.title"), t("keys.lead")):
                ui.button(t("keys.create"), icon="add", on_click=self._creation.open).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
            rows = html.div().classes("rows").props(f'role=list aria-label="{t("keys.title")}"')
            note = html.div()
            with card(t("keys.connect"), t("keys.connect_note")):
                self._connections = html.div()
            curl_line(panel, "POST", "/keys", {"name": "CRM", "scopes": ["chat"], "limits": {"tokens_per_day": 100000}})
        with note:
            draw_skeleton(4)
        self._rows: KeyedList[int] = KeyedList(rows, self._draw)
        self._note: RedrawnSection[bool] = RedrawnSection(note, self._draw_note)
        self._views: dict[int, ApiKeyView] = {}

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.KEYS)
            views = await self._panel.services.office.keys.views()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._views = {view.key.id: view for view in views}
        self._cards = {key_id: drawn for key_id, drawn in self._cards.items() if key_id in self._views}
        self._rows.show(tuple(self._views))
        for view in views:
            self._cards[view.key.id].show(view)
        self._note.show(not views)

    async def show_connections(self) -> None:
        address = await public_address(self._panel)
        with self._connections:
            draw_connections(self._panel, address, "$KEY", ("chat", "audio", "metrics"))

    def _draw(self, key_id: int) -> ui.element:
        drawn = self._cards[key_id] = KeyCard(self._panel, self._editor.open, self._revoke)
        element: ui.element = drawn.element
        return element

    def _draw_note(self, empty: bool) -> None:
        t = self._panel.t
        if empty:
            draw_empty_state("key", t("keys.empty"), t("keys.empty_hint"))

    async def _revoke(self, view: ApiKeyView) -> None:
        panel, t = self._panel, self._panel.t
        text = what_stops(view, t)
        title = t("keys.revoke_title", name=view.key.name)
        if not await ask_confirmation(panel.client, title, text, t("keys.revoke"), t("common.cancel")):
            return

        async def revoke() -> None:
            await panel.services.office.keys.revoke(view.key.id, panel.require_change(AdminResource.KEYS))

        await attempt(panel, revoke, t("keys.revoked"))
        await self.refresh()
