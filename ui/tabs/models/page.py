"""The page with the disk, the running work, the list of models and the search of the model hub."""

import asyncio

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import curl_line, page_heading, read_only_note
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.tabs.models.disk import DiskCard
from ui.tabs.models.hub import HubCard
from ui.tabs.models.jobs import DownloadLine, ScanCard
from ui.tabs.models.listing import ModelListing
from ui.tabs.models.machine_fit import read_fits


async def show(panel: PanelContext) -> None:
    page = ModelsPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.follow, min(1.0, panel.refresh_interval_s))


class ModelsPage:
    """``refresh`` reads everything: what lies on the disk is shown first, what fits the memory when it is known.
    ``follow`` moves the progress and refreshes when work has ended."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with html.div().classes("page models"):
            with page_heading(t("models.title"), t("models.lead")):
                if panel.can_change(AdminResource.MODEL_FILES):
                    ui.button(t("models.scan"), icon="health_and_safety", on_click=self._scan).props("outline no-caps")
            read_only_note(panel, AdminResource.MODEL_FILES)
            self._download = DownloadLine(panel)
            self._disk = DiskCard(panel)
            self._scan_card = ScanCard(panel)
            self._listing = ModelListing(panel, self.refresh)
            if panel.can_change(AdminResource.MODEL_FILES):
                HubCard(panel, self.follow)
            curl_line(panel, "POST", "/models/download", {"model_id": "whisper-base"})
        self._seen = self._job_states()

    async def refresh(self) -> None:
        models = self._panel.services.operations.models
        try:
            listed, storage = await asyncio.gather(models.list(), models.storage())
            self._disk.show(listed, storage)
            self._listing.show(listed, storage.free)
            self._show_jobs()
            self._listing.show_fits(await read_fits(self._panel))
        except SecretaryError as error:
            self._panel.toast_error(error)

    async def follow(self) -> None:
        self._show_jobs()
        states = self._job_states()
        if states != self._seen:
            self._seen = states
            await self.refresh()

    def _job_states(self) -> tuple[object, ...]:
        models = self._panel.services.operations.models
        download, scan = models.download_status(), models.scan_status()
        return download.state, download.model_id, scan.state

    def _show_jobs(self) -> None:
        models = self._panel.services.operations.models
        self._download.show(models.download_status())
        self._scan_card.show(models.scan_status())

    async def _scan(self) -> None:
        try:
            username = self._panel.require_change(AdminResource.MODEL_FILES)
            await self._panel.services.operations.models.scan(username)
        except SecretaryError as error:
            self._panel.toast_error(error)
        await self.follow()
