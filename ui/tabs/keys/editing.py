"""The dialog that changes name, owner and limits of an API key. What the key may do stays as it was made."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.keys.service import ApiKeyView, KeyChange
from deployments.contracts.errors import Conflict, SecretaryError
from ui.components.conflict_notice import ConflictNotice
from ui.components.field_set import FieldSet
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.keys.limits import draw_limit_fields, entered_limits, limit_values


class EditDialog:
    """One dialog for the page. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._view: ApiKeyView | None = None
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props('role=dialog aria-modal="true"') as box:
            box.props["aria-label"] = t("keys.edit")
            self._dialog.props["aria-label"] = t("keys.edit")
            self._dialog.props("persistent")
            with html.h2().classes("dialog-title"):
                self._title = ui.label()
            notice = html.div()
            name = TextInput(t("keys.name")).props("outlined dense maxlength=100")
            owner = TextInput(t("keys.owner")).props("outlined dense maxlength=100")
            owner.props["hint"] = t("keys.owner_hint")
            html.h3(t("keys.limits")).classes("keys-subtitle")
            limits = draw_limit_fields(panel)
            html.p(t("keys.limits_note")).classes("muted")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")
        self._limits = limits
        self._fields = FieldSet({"name": name, "owner": owner} | {each: limits[each] for each in limits.names})
        with notice:
            self._conflict = ConflictNotice(panel, self._fields, self._load, self._save)

    def open(self, view: ApiKeyView) -> None:
        self._view = view
        self._title.text = self._panel.t("keys.edit_of", name=view.key.name)
        self._conflict.hide()
        self._fields.fill(_values(view))
        self._dialog.open()

    async def _load(self) -> dict[str, Any]:
        """The stored values, from which the next save starts."""
        assert self._view is not None
        self._panel.require_read(AdminResource.KEYS)
        self._view = await self._panel.services.office.keys.view(self._view.key.id)
        return _values(self._view)

    async def _save(self) -> None:
        assert self._view is not None
        panel, t = self._panel, self._panel.t
        self._fields.clear_problems()
        if not self._fields.text("name"):
            self._fields.mark("name", t("keys.needs_name"))
            return
        change = KeyChange(self._fields.text("name"), entered_limits(self._limits), self._fields.text("owner"))
        try:
            username = panel.require_change(AdminResource.KEYS)
            await panel.services.office.keys.change(self._view.key.id, change, username, self._view.version)
        except Conflict as error:
            if error.param == "version":
                await self._conflict.show()
            elif not self._fields.mark(error.param or "", t("keys.name_taken")):
                panel.toast_error(error)
        except SecretaryError as error:
            if not self._fields.mark(error.param or "", t("keys.name_bad")):
                panel.toast_error(error)
        else:
            self._dialog.close()
            panel.toast(t("keys.saved"))
            await self._on_saved()


def _values(view: ApiKeyView) -> dict[str, Any]:
    return {"name": view.key.name, "owner": view.key.owner, **limit_values(view.key.limits)}
