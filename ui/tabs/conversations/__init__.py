"""The conversations of all channels: the list with its filters, and one of them opened (``?id=``)."""

from zoneinfo import ZoneInfo

from nicegui import background_tasks, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import page_heading
from ui.components.section import draw_skeleton
from ui.context import PanelContext, keep_tab_open
from ui.tabs.conversations.filters import draw_filters, session_filter
from ui.tabs.conversations.listing import PAGE_SIZE, draw_list, draw_pages
from ui.tabs.conversations.opened import OpenedConversation
from ui.url_state import UrlState

PATH = "/conversations"


async def show(panel: PanelContext) -> None:
    tab = ConversationsTab(panel)
    await tab.draw()
    async with keep_tab_open():
        pass


class ConversationsTab:
    """Redraws itself when the address changes, so that the back button leads from a conversation to the list."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._state = UrlState(panel)
        self._root = html.div().classes("talks")
        ui.context.client.sub_pages_router.on_path_changed(self._follow_address)

    def _follow_address(self, path: str) -> None:
        if not self._root.is_deleted and path.partition("?")[0].rstrip("/") == PATH:
            with self._root:
                self._state = UrlState(self._panel)
            background_tasks.create(self.draw(), name="conversations")

    async def draw(self) -> None:
        self._root.clear()
        with self._root:
            if session_id := self._state.get("id"):
                await OpenedConversation(self._panel, session_id, self._close).draw()
            else:
                await self._draw_list()

    async def _draw_list(self) -> None:
        t = self._panel.t
        own = not self._panel.can_read(AdminResource.OPEN_QUESTIONS)
        page_heading(t("nav.conversations"), t("talks.lead_own" if own else "talks.lead"))
        draw_filters(self._panel, self._state, self._refresh)
        self._rows = html.div().props("aria-live=polite")
        self._foot = html.div().classes("talks-foot")
        with self._rows:
            draw_skeleton(5)
        await self._refresh()

    async def _refresh(self) -> None:
        panel, page = self._panel, self._state.number("page", 1, least=1)
        zone = ZoneInfo(panel.services.publisher.current.settings.time_zone)
        criteria = session_filter(self._state, panel.services.office.activity.today, zone)
        try:
            sessions, total = await panel.services.chats.page(
                panel.session.identity, criteria, PAGE_SIZE, (page - 1) * PAGE_SIZE
            )
        except SecretaryError as error:
            panel.toast_error(error)
            return
        if not sessions and total and page > 1:
            await self._open_page(max(1, -(-total // PAGE_SIZE)))
            return
        self._rows.clear()
        self._foot.clear()
        with self._rows:
            draw_list(panel, sessions, filtered=criteria != type(criteria)())
        with self._foot:
            draw_pages(panel, total, page, self._open_page)

    async def _open_page(self, page: int) -> None:
        self._state.set(page=None if page == 1 else page)
        await self._refresh()

    def _close(self) -> None:
        ui.navigate.to(PATH)
