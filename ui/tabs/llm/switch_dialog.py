"""The dialog that switches a local model to another one."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.local_models import LocalModelView, ModelOption
from deployments.contracts.errors import SecretaryError
from ui.byte_sizes import format_bytes
from ui.components.page_parts import attempt, pill
from ui.context import PanelContext
from ui.tabs.models.machine_fit import fit_of


async def open_switch_dialog(panel: PanelContext, service: str) -> None:
    """Returns when the dialog is closed."""
    try:
        panel.require_read(AdminResource.LOCAL_MODELS)
        view = await panel.services.operations.local_models.view(service)
    except SecretaryError as error:
        panel.toast_error(error)
        return
    t = panel.t
    with panel.client, ui.dialog() as dialog, ui.card().classes("dialog"):
        dialog.props["aria-label"] = t("llm.choose_model")
        html.h2(t("llm.choose_model")).classes("dialog-title")
        ui.label(t("llm.switch_hint")).classes("dialog-text")
        with html.div().classes("llm-options").props("role=list"):
            if view.hosted:
                _graph_row(panel, view, dialog)
            for option in sorted(view.options, key=_order):
                _row(panel, service, option, dialog)
        with html.div().classes("dialog-actions"):
            ui.button(t("common.close"), on_click=dialog.close).props("flat no-caps")
    await dialog
    if not panel.client.is_deleted:
        dialog.delete()


def _order(option: ModelOption) -> tuple[bool, bool, bool, int]:
    return not option.hosted, not option.installed, option.fits is False, option.size


def _graph_row(panel: PanelContext, view: LocalModelView, dialog: ui.dialog) -> None:
    with html.div().classes("llm-option").props("role=listitem"):
        html.div(panel.t("llm.graph_model")).classes("llm-option-text")
        _switch_button(panel, view.service, "", panel.t("llm.graph_model"), dialog)


def _row(panel: PanelContext, service: str, option: ModelOption, dialog: ui.dialog) -> None:
    t = panel.t
    fit = fit_of(option)
    with html.div().classes("llm-option").props("role=listitem") as row:
        row.props["data-option"] = option.id
        with html.div().classes("llm-option-text"):
            with html.div().classes("row-line"):
                html.span(option.id).classes("models-name")
                if option.hosted:
                    pill(t("llm.hosted_now"), "good")
                if fit.fits is not None:
                    pill(t("models.fits" if fit.fits else "models.fits_not"), "good" if fit.fits else "warn")
            languages = ", ".join(t("models.many_languages") if x == "mul" else x.upper() for x in option.languages)
            numbers = (format_bytes(option.size, t) if option.size else "", languages, fit.describe(t))
            html.div(" · ".join(part for part in numbers if part)).classes("muted")
            if fit.fits is False and fit.reason:
                html.div(fit.reason).classes("llm-reason")
        if option.hosted:
            return
        if option.installed:
            _switch_button(panel, service, option.id, option.id, dialog)
        else:
            link = html.a(t("common.download"), href=f"{panel.root_path}/models?q={option.id}").classes("text-link")
            link.props["aria-label"] = f"{t('common.download')}: {option.id}"


def _switch_button(panel: PanelContext, service: str, model: str, name: str, dialog: ui.dialog) -> None:
    async def switch() -> None:
        async def start() -> None:
            username = panel.require_change(AdminResource.LOCAL_MODELS)
            await panel.services.operations.local_models.switch.switch(service, model, username)

        if await attempt(panel, start, panel.t("llm.switch_started")):
            dialog.close()

    button = ui.button(panel.t("llm.switch"), on_click=switch).props("outline no-caps dense")
    button.props["aria-label"] = f"{panel.t('llm.switch')}: {name}"
