"""Language models to download: whether they fit, the progress, and the way to let a new one answer."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import DownloadStatus, ModelView
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import attempt
from ui.components.section import KeyedList, RedrawnSection
from ui.context import PanelContext
from ui.tabs.models.actions import ModelActions
from ui.tabs.models.jobs import DownloadLine
from ui.tabs.models.machine_fit import MachineFit, read_fits
from ui.tabs.models.rows import ModelRow, draw_row

_OFFERED = 3
_FIT_ORDER = {True: 0, None: 1, False: 2}


class ModelDownloads:
    """A download goes on when the page is left. ``on_switched`` is awaited after a new model was chosen."""

    def __init__(self, panel: PanelContext, on_switched: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_switched = on_switched
        self._seen: tuple[str, str] = ("", "")
        self._line = DownloadLine(panel)
        self._ready: RedrawnSection[str] = RedrawnSection(html.div(), self._draw_ready)
        actions = ModelActions(panel, self.refresh)
        rows = html.div().classes("start-stack").props("role=list")
        rows.props["aria-label"] = panel.t("start.mind_download")
        self._rows: KeyedList[ModelRow] = KeyedList(rows, lambda row: draw_row(row, actions, panel))
        html.a(panel.t("start.all_models"), href=f"{panel.root_path}/models").classes("text-link")

    async def refresh(self) -> None:
        models = self._panel.services.operations.models
        try:
            listed, storage, fits = await asyncio.gather(models.list(), models.storage(), read_fits(self._panel))
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        offered = self._offered(listed, fits)
        self._rows.show([ModelRow(each, fits.get(each.id), max(0, each.size - storage.free)) for each in offered])
        status = models.download_status()
        self._show(status)
        self._ready.show(self._finished(status, listed))

    async def follow(self) -> None:
        status = self._panel.services.operations.models.download_status()
        if (status.state, status.model_id) != self._seen:
            await self.refresh()
        else:
            self._show(status)

    def _show(self, status: DownloadStatus) -> None:
        self._seen = (status.state, status.model_id)
        self._line.show(status)

    def _offered(self, listed: tuple[ModelView, ...], fits: dict[str, MachineFit]) -> list[ModelView]:
        """Models that are not on disk: those that fit first, then those that speak the language of the company."""
        language = self._panel.services.publisher.current.settings.default_language

        def order(model: ModelView) -> tuple[bool, int, bool]:
            fit = fits[model.id].fits if model.id in fits else None
            return not model.unfinished_bytes, _FIT_ORDER[fit], not {language, "mul"} & set(model.languages)

        chat = [each for each in listed if each.kind == "chat" and each.in_catalogue and not each.installed]
        return sorted(chat, key=order)[:_OFFERED]

    def _finished(self, status: DownloadStatus, listed: tuple[ModelView, ...]) -> str:
        """The language model that was downloaded last and answers nowhere, "" without one."""
        if status.state != "finished":
            return ""
        found = next((each for each in listed if each.id == status.model_id and each.kind == "chat"), None)
        return found.id if found is not None and not found.in_use_by else ""

    def _draw_ready(self, model: str) -> None:
        services = self._panel.services.operations.local_models.switch.services
        if model and services:
            text = self._panel.t("start.let_it_answer", model=model)
            ui.button(text, icon="check", on_click=lambda: self._switch(services[0], model)).props("unelevated no-caps")

    async def _switch(self, service: str, model: str) -> None:
        async def switch() -> None:
            by = self._panel.require_change(AdminResource.LOCAL_MODELS)
            await self._panel.services.operations.local_models.switch.switch(service, model, by)

        if await attempt(self._panel, switch, self._panel.t("llm.switch_started")):
            self._ready.show("")
            await self._on_switched()
