"""The dialog that records a consent."""

from collections.abc import Awaitable, Callable
from typing import get_args

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.privacy.consent_draft import ConsentDraft, ConsentKind, ConsentSource
from deployments.contracts.errors import SecretaryError
from ui.components.schema_form import FieldText, FormOptions, SchemaForm
from ui.context import PanelContext


class ConsentForm:
    """``on_saved`` is awaited after a consent was recorded."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        t = panel.t
        choices = {
            "source": {name: t(f"privacy.source.{name}") for name in get_args(ConsentSource)},
            "kind": {name: t(f"privacy.kind.{name}") for name in get_args(ConsentKind)},
        }
        text = FormOptions(
            text=lambda spec: FieldText(t(f"privacy.field.{spec.name}"), t(f"privacy.field_about.{spec.name}")),
            choices=choices,
            show_default=False,
        )
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("privacy.consent_add")
            self._dialog.props["aria-label"] = t("privacy.consent_add")
            html.h2(t("privacy.consent_add")).classes("dialog-title")
            self._form = SchemaForm(panel, ConsentDraft.model_construct(person="", source="telegram"), text)
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    def open(self) -> None:
        self._form.discard()
        for name in self._form.names():
            self._form.show_problem(name, "")
        self._dialog.open()

    async def _save(self) -> None:
        panel = self._panel
        draft = self._form.validated()
        if draft is None:
            return
        try:
            panel.require_change(AdminResource.PRIVACY)
            await panel.services.office.privacy.give_consent(draft.to_consent(), panel.session.identity)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(panel.t("privacy.consent_saved"))
        await self._on_saved()
