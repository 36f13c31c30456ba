"""Downloads and deletes models, after the questions that each needs."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import ModelView
from ui.byte_sizes import format_bytes
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt
from ui.context import PanelContext


class ModelActions:
    """``on_change`` is awaited after each change."""

    def __init__(self, panel: PanelContext, on_change: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_change = on_change

    async def download(self, model: ModelView) -> None:
        """Asks for the licence where it restricts the use."""
        t = self._panel.t
        if model.accept_licence and not await self._ask_licence(model):
            return

        async def start() -> None:
            username = self._panel.require_change(AdminResource.MODEL_FILES)
            models = self._panel.services.operations.models
            await models.download(model.id, username, accept_licence=model.accept_licence)

        await attempt(self._panel, start, t("models.download_started"))
        await self._on_change()

    async def delete(self, model: ModelView) -> None:
        t = self._panel.t
        if model.in_use_by:
            self._panel.toast(t("models.delete_used", service=model.in_use_by), "warning")
            return
        size = format_bytes((model.size if model.installed else 0) + model.unfinished_bytes, t)
        text = t("models.delete_text", model=model.id, size=size)
        title = t("models.delete_title")
        if not await ask_confirmation(self._panel.client, title, text, t("common.delete"), t("common.cancel")):
            return

        async def remove() -> None:
            username = self._panel.require_change(AdminResource.MODEL_FILES)
            freed = await self._panel.services.operations.models.delete(model.id, username)
            self._panel.toast(t("models.deleted", size=format_bytes(freed, t)))

        await attempt(self._panel, remove)
        await self._on_change()

    async def _ask_licence(self, model: ModelView) -> bool:
        t = self._panel.t
        with self._panel.client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small"):
            dialog.props["aria-label"] = t("models.licence_title", model=model.id)
            html.h2(t("models.licence_title", model=model.id)).classes("dialog-title")
            ui.label(t("models.licence_text", name=model.licence)).classes("dialog-text")
            if model.licence_url:
                link = html.a(t("models.licence_read"), href=model.licence_url, target="_blank")
                link.props("rel='noopener noreferrer'").classes("text-link")
            accepted = ui.checkbox(t("models.licence_accept"))
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
                go = ui.button(t("common.download"), on_click=lambda: dialog.submit(True)).props("unelevated no-caps")
            go.bind_enabled_from(accepted, "value")
        try:
            return bool(await dialog)
        finally:
            dialog.delete()
