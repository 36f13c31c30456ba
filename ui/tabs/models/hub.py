"""The model hub: search, look at one model, download it."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import HubModel
from deployments.contracts.errors import SecretaryError
from deployments.models.catalogue import ModelKind
from ui.byte_sizes import format_bytes
from ui.components.page_parts import attempt, card, pill
from ui.components.section import draw_empty_state, draw_skeleton
from ui.components.text_fields import TextInput
from ui.context import PanelContext

_LIMIT = 20
_SHOWN_FILES = 30
_KINDS: dict[ModelKind, str] = {
    "chat": "models.kind_chat",
    "speech": "models.kind_speech",
    "recognition": "models.kind_recognition",
}


class HubCard:
    """Nothing is asked of the hub before somebody searches. ``on_download`` is awaited when a download has begun."""

    def __init__(self, panel: PanelContext, on_download: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_download = on_download
        t = panel.t
        with card(t("models.hub"), t("models.hub_note")):
            with html.div().classes("models-filter"):
                self._query = TextInput(t("models.hub_search")).props("outlined dense maxlength=200")
                self._query.classes("models-search").on("keydown.enter", self._search)
                ui.button(t("models.hub_find"), icon="search", on_click=self._search).props("outline no-caps")
            self._results = html.div().classes("rows models-hub-results").props("aria-live=polite")

    async def _search(self) -> None:
        query = (self._query.value or "").strip()
        if not query:
            return
        self._results.clear()
        with self._results:
            draw_skeleton(4)
        try:
            self._panel.require_read(AdminResource.MODEL_FILES)
            found = await self._panel.services.operations.models.search(query, _LIMIT)
        except SecretaryError as error:
            self._results.clear()
            self._panel.toast_error(error)
            with self._results:
                draw_empty_state("cloud_off", self._panel.t("models.hub_failed"), error.message)
            return
        self._results.clear()
        with self._results:
            if not found:
                draw_empty_state("search_off", self._panel.t("models.nothing_found"))
            for model in found:
                self._row(model)

    def _row(self, model: HubModel) -> None:
        t = self._panel.t
        with html.article().classes("models-hub-row"):
            with html.div().classes("row-line"):
                html.h3(model.repo_id).classes("models-name")
                if model.gated:
                    pill(t("models.gated"), "warn")
            with html.div().classes("models-details"):
                html.span(model.licence or t("models.licence_unknown"))
                html.span(t("models.downloads", count=f"{model.downloads:,}".replace(",", " ")))
                if model.task:
                    html.span(model.task)
            details = html.div().classes("rows")
            button: ui.button = ui.button(t("models.details"))
            button.on_click(lambda: self._details(model, details, button))
            button.props("flat dense no-caps").props["aria-label"] = f"{t('models.details')}: {model.repo_id}"

    async def _details(self, model: HubModel, container: ui.element, button: ui.button) -> None:
        button.disable()
        try:
            self._panel.require_read(AdminResource.MODEL_FILES)
            found = await self._panel.services.operations.models.details(model.repo_id, "main")
        except SecretaryError as error:
            self._panel.toast_error(error)
            button.enable()
            return
        button.set_visibility(False)
        with container:
            self._draw_details(found)

    def _draw_details(self, model: HubModel) -> None:
        t = self._panel.t
        if model.size is not None:
            ui.label(t("models.hub_size", size=format_bytes(model.size, t)))
        with ui.expansion(t.count("models.files", len(model.files))).classes("curl").props("dense"):
            for file in model.files[:_SHOWN_FILES]:
                size = format_bytes(file.size, t) if file.size is not None else ""
                ui.label(f"{file.path}  {size}".strip())
        with html.div().classes("models-filter"):
            kind = ui.select({value: t(key) for value, key in _KINDS.items()}, value="chat", label=t("models.kind"))
            kind.props("outlined dense").classes("models-select")
            files = TextInput(t("models.pattern"), value="*").props("outlined dense maxlength=100")
            files.props["hint"] = t("models.pattern_hint")

            async def download() -> None:
                await self._download(model, kind.value, files.value or "*")

            ui.button(t("common.download"), icon="download", on_click=download).props("outline no-caps")

    async def _download(self, model: HubModel, kind: ModelKind, pattern: str) -> None:
        async def start() -> None:
            username = self._panel.require_change(AdminResource.MODEL_FILES)
            include = tuple(part.strip() for part in pattern.split(",") if part.strip()) or ("*",)
            models = self._panel.services.operations.models
            await models.download_from_hub(model.repo_id, model.revision or "main", kind, include, username)

        await attempt(self._panel, start, self._panel.t("models.download_started"))
        await self._on_download()
