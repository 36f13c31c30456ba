"""The dialog that creates or edits a cloud provider."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.office.drafts import apply_changes
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.providers import ProviderSpec
from ui.context import PanelContext
from ui.tabs.llm.edit_conflict import EditConflict, Values
from ui.tabs.llm.provider_fields import ProviderFields

_MESSAGES = {"name": "provider.bad_name", "base_url": "provider.bad_address", "input_price": "provider.bad_prices"}


class ProviderEditor:
    """One dialog for each page, built anew for every provider. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._spec: ProviderSpec | None = None
        with ui.dialog().props("persistent") as self._dialog:
            self._card = ui.card().classes("dialog")

    def open(self, spec: ProviderSpec | None = None) -> None:
        t = self._panel.t
        self._spec = spec
        self._card.clear()
        with self._card:
            html.h2(t("provider.edit") if spec else t("provider.add")).classes("dialog-title")
            self._fields = ProviderFields(self._panel, spec)
            self.labels = self._fields.labels
            self._conflict = EditConflict(self._panel, self)
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self.save).props("unelevated no-caps")
        self._dialog.props["aria-label"] = t("provider.edit") if spec else t("provider.add")
        self._dialog.open()

    def read(self) -> Values:
        return self._fields.read()

    def write(self, values: Values) -> None:
        self._fields.write(values)

    async def adopt_newest(self) -> Values:
        assert self._spec is not None
        self._spec = await self._panel.services.office.providers.get(self._spec.id)
        return self._fields.values_of(self._spec)

    async def save(self) -> None:
        panel, providers = self._panel, self._panel.services.office.providers
        self._fields.clear_errors()
        try:
            username = panel.require_change(AdminResource.PROVIDERS)
            fields = self._fields.changes()
            if self._spec is None:
                await providers.create(apply_changes(ProviderDraft, {}, fields), username)
            else:
                await providers.change(self._spec.id, fields, username, self._spec.version)
        except Conflict as error:
            if error.param == "name":
                self._fields.show_error("name", panel.t("provider.name_taken"))
            else:
                await self._conflict.explain()
            return
        except InvalidRequest as error:
            self._explain(error)
            return
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(panel.t("provider.saved"))
        await self._on_saved()

    def _explain(self, error: InvalidRequest) -> None:
        param = (error.param or "").partition(".")[0].partition("[")[0]
        if not param and "base_url" in error.message:
            param = "base_url"
        if not param and "price" in error.message:
            param = "input_price"
        key = _MESSAGES.get(param)
        text = self._panel.t(key) if key else error.message
        if not self._fields.show_error(param, text):
            self._panel.toast_error(error)
