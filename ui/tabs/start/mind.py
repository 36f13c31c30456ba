"""The mind: the language models that answer now, one to download, or a cloud provider."""

from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import ModelView
from deployments.contracts.errors import SecretaryError
from ui.byte_sizes import format_bytes
from ui.components.page_parts import pill
from ui.tabs.models.jobs import DownloadLine
from ui.tabs.models.machine_fit import MachineFit, read_fits
from ui.tabs.start.step import StepContext

_OFFERED = 4
_POLL_S = 1.0


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    overview = await panel.overview.get()
    minds = [engine for engine in overview.engines or () if engine.kind == "chat"]
    html.h3(t("start.mind_now"))
    for engine in minds:
        with html.p().classes("start-line"):
            html.span(engine.model or engine.name)
            pill(t("start.ready") if engine.healthy else t("start.not_ready"), "good" if engine.healthy else "warn")
    if any(engine.healthy for engine in minds):
        await step.done()
    if not minds:
        html.p(t("start.no_mind"))
    html.h3(t("start.mind_download"))
    models = panel.services.operations.models
    line = DownloadLine(panel)
    listed, fits = await models.list(), await read_fits(panel)
    for model in _offered(listed, fits):
        _draw_model(step, model, fits.get(model.id), line)
    line.show(models.download_status())
    ui.timer(_POLL_S, lambda: line.show(models.download_status()))
    html.h3(t("start.mind_cloud"))
    html.p(t("start.mind_cloud_text"))
    html.a(t("start.mind_cloud_open"), href=f"{panel.root_path}/llm").classes("text-link")
    step.next_button()


def _offered(models: tuple[ModelView, ...], fits: dict[str, MachineFit]) -> list[ModelView]:
    """Models for the chat that are not on disk: those that fit first."""
    chat = [model for model in models if model.kind == "chat" and model.in_catalogue and not model.installed]
    order = {True: 0, None: 1, False: 2}
    return sorted(chat, key=lambda each: order[fits[each.id].fits if each.id in fits else None])[:_OFFERED]


def _draw_model(step: StepContext, model: ModelView, fit: MachineFit | None, line: DownloadLine) -> None:
    panel, t = step.panel, step.panel.t

    async def download() -> None:
        try:
            by = panel.require_change(AdminResource.MODEL_FILES)
            line.show(await panel.services.operations.models.download(model.id, by))
        except SecretaryError as error:
            panel.toast_error(error)

    with html.div().classes("start-line"):
        with html.div():
            html.span(model.id).classes("start-strong")
            facts = [format_bytes(model.size, t), ", ".join(model.languages)]
            html.p(" · ".join(part for part in (*facts, fit.describe(t) if fit else "") if part)).classes("start-note")
        if model.accept_licence:
            html.a(t("start.read_licence"), href=f"{panel.root_path}/models").classes("text-link")
        else:
            ui.button(t("common.download"), icon="download", on_click=partial(download)).props("outline dense no-caps")
