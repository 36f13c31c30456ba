"""One model in the list."""

from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import ModelView
from ui.byte_sizes import format_bytes
from ui.components.page_parts import pill
from ui.context import PanelContext
from ui.tabs.models.actions import ModelActions
from ui.tabs.models.machine_fit import MachineFit
from ui.translations import Translator

_KIND_ICONS = {"chat": "psychology", "speech": "record_voice_over", "recognition": "hearing"}
_KIND_TEXTS = {
    "chat": "models.kind_chat",
    "speech": "models.kind_speech",
    "recognition": "models.kind_recognition",
    "other": "models.kind_other",
}

_LICENCE_IN_CARD = "see the model card"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """``lacking`` are the bytes that the disk lacks for a download."""

    model: ModelView
    fit: MachineFit | None
    lacking: int


def model_about(model: ModelView, t: Translator) -> str:
    """What a model is good for, in the language of the user where the catalogue knows the model."""
    key = f"models.about.{model.id}"
    return t(key) if t.has(key) else model.description


def draw_row(row: ModelRow, actions: ModelActions, panel: PanelContext) -> ui.element:
    model = row.model
    with html.article().classes("card models-row").props("role=listitem") as article:
        article.props["data-model"] = model.id
        with html.span().classes("models-icon").props("aria-hidden=true"):
            ui.icon(_KIND_ICONS.get(model.kind, "inventory_2"))
        with html.div().classes("models-body"):
            with html.div().classes("row-line"):
                html.h3(model.id).classes("models-name")
                _state(row, panel)
            about = model_about(model, panel.t)
            if about:
                html.p(about).classes("muted")
            with html.div().classes("models-details"):
                _details(row, panel)
            _fit(row, panel)
        if panel.can_change(AdminResource.MODEL_FILES):
            with html.div().classes("models-buttons"):
                _buttons(row, actions, panel)
    element: ui.element = article
    return element


def _state(row: ModelRow, panel: PanelContext) -> None:
    model, t = row.model, panel.t
    if model.in_use_by:
        pill(t("models.used_by", service=model.in_use_by), "good")
    elif model.installed:
        pill(t("models.installed"), "plain")
    elif model.unfinished_bytes:
        pill(t("models.unfinished", size=format_bytes(model.unfinished_bytes, t)), "warn")


def _details(row: ModelRow, panel: PanelContext) -> None:
    model, t = row.model, panel.t
    html.span(t(_KIND_TEXTS.get(model.kind, "models.kind_other")))
    html.span(format_bytes(model.size, t))
    languages = [t("models.many_languages") if each == "mul" else each.upper() for each in model.languages]
    if languages:
        html.span(", ".join(languages))
    if model.licence and model.licence_url:
        html.a(model.licence, href=model.licence_url, target="_blank", rel="noopener noreferrer").classes("text-link")
    elif model.licence == _LICENCE_IN_CARD:
        html.span(t("models.licence_in_card"))
    elif model.licence:
        html.span(t("models.licence_of", name=model.licence))


def _fit(row: ModelRow, panel: PanelContext) -> None:
    """Whether it fits the disk and the memory; only for what is not in use."""
    t = panel.t
    if row.lacking:
        with html.div().classes("models-fit models-fit-no"):
            ui.icon("error_outline").props("aria-hidden=true")
            html.span(t("models.disk_lacking", size=format_bytes(row.lacking, t)))
    if row.fit is None or row.model.in_use_by or row.fit.needed is None:
        return
    good, numbers = row.fit.fits, row.fit.describe(t)
    title = t("models.fits") if good else t("models.fits_not") if good is False else ""
    tone = "" if good else "models-fit-no" if good is False else "models-fit-unknown"
    with html.div().classes(f"models-fit {tone}"):
        ui.icon("check_circle" if good else "error_outline" if good is False else "help_outline").props(
            "aria-hidden=true"
        )
        html.span(f"{title}: {numbers}" if title else numbers)
    if good is False and row.fit.reason:
        with ui.expansion(t("models.why")).classes("curl").props("dense"):
            ui.label(row.fit.reason)


def _buttons(row: ModelRow, actions: ModelActions, panel: PanelContext) -> None:
    model, t = row.model, panel.t
    if not model.installed and model.in_catalogue:
        text = t("models.continue" if model.unfinished_bytes else "common.download")
        button = ui.button(text, icon="download", on_click=lambda: actions.download(model)).props("outline no-caps")
        button.props["aria-label"] = f"{text}: {model.id}"
        button.set_enabled(not row.lacking)
        if model.accept_licence:
            button.props("aria-haspopup=dialog")
    if model.installed or model.unfinished_bytes or not model.in_catalogue:
        button = ui.button(icon="delete_outline", on_click=lambda: actions.delete(model)).props("flat round")
        if not model.in_use_by:
            button.props("aria-haspopup=dialog")
        button.props["aria-label"] = t("models.delete_of", model=model.id)
