"""A page that shows a list, or the item that the address names: ``/telegram`` and ``/telegram?bot=support``."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from nicegui import background_tasks, html

from deployments.contracts.errors import SecretaryError
from ui.context import PanelContext
from ui.url_state import UrlState


class ShownView(Protocol):
    async def refresh(self) -> None: ...


class ListAndItem:
    """``name`` is the parameter with the id of the item. ``open_item`` raises NotFound when it is gone. A link to an
    item, or ``ui.navigate.to``, adds an entry to the history of the browser."""

    def __init__(
        self,
        panel: PanelContext,
        path: str,
        name: str,
        open_list: Callable[[PanelContext], Awaitable[ShownView]],
        open_item: Callable[[PanelContext, str], Awaitable[ShownView]],
    ) -> None:
        self._panel = panel
        self._path = path
        self._name = name
        self._open_list = open_list
        self._open_item = open_item
        self._container = html.div().classes(f"page {path.strip('/')}")
        self._shown: ShownView | None = None
        self._item_id: str | None = None
        panel.client.sub_pages_router.on_path_changed(self._address_changed)

    def _address_changed(self, path: str) -> None:
        if not self._container.is_deleted and path.partition("?")[0].rstrip("/") == self._path:
            background_tasks.create(self.open_address(), name="open an item")

    async def open_address(self) -> None:
        with self._container:
            item_id = UrlState(self._panel).get(self._name)
        if self._shown is not None and item_id == self._item_id:
            return
        self._item_id = item_id
        self._shown = None
        self._container.clear()
        with self._container:
            try:
                self._shown = await (self._open_item(self._panel, item_id) if item_id else self._open_list(self._panel))
            except SecretaryError as error:
                self._panel.toast_error(error)
                self._shown = await self._open_list(self._panel)

    async def refresh(self) -> None:
        if self._shown is not None:
            await self._shown.refresh()
