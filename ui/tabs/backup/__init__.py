"""Backups: make one, download it, and what restoring it needs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.backup.backups import StoredBackup
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import SecretaryError
from ui.components.command_copy import draw_command
from ui.components.page_parts import attempt, card, curl_line, page_heading
from ui.components.progress_line import ProgressLine
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.formatting import format_size
from ui.tabs.backup.backup_row import draw_backup

OLD = timedelta(days=7)
PROGRESS_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class _Advice:
    """What to say above the list: ``none`` yet, ``old``, or ""; and the total size."""

    kind: str
    count: int
    size_bytes: int


async def show(panel: PanelContext) -> None:
    page = BackupPage(panel)
    await page.refresh()
    refresh_while_visible(panel, page.follow, PROGRESS_INTERVAL_S)
    async with keep_tab_open():
        pass


class BackupPage:
    """A backup goes on when the page is left; a page that is opened meanwhile shows its progress."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._backups = panel.services.operations.backups
        t = panel.t
        with html.div().classes("page backup"):
            with page_heading(t("backup.title"), t("backup.lead")):
                self._make = ui.button(t("backup.make"), icon="backup", on_click=self._create)
                self._make.props("unelevated no-caps")
            self._progress = ProgressLine(panel)
            advice = html.div()
            rows = html.div().classes("rows").props(f'role=list aria-label="{t("backup.title")}"')
            if self._backups.on_server:
                self._make.disable()
                ui.label(t("backup.on_server")).classes("notice").props("role=note")
            with card(t("backup.restore_title")):
                html.p(t("backup.restore_text")).classes("muted")
                self._commands = html.div()
                html.p(t("backup.restore_keys")).classes("muted")
                html.p(t("backup.restore_after")).classes("muted")
            curl_line(panel, "POST", "/backup")
        self._advice: RedrawnSection[_Advice] = RedrawnSection(advice, self._draw_advice)
        self._rows: KeyedList[StoredBackup] = KeyedList(rows, lambda each: draw_backup(panel, each, self.refresh))
        self._newest: RedrawnSection[str] = RedrawnSection(self._commands, self._draw_commands)

    async def follow(self) -> None:
        """Shows the progress of a running backup, wherever it was started, and the list when it has ended."""
        running = self._backups.progress
        if running is not None:
            self._progress.show(self._panel.t("backup.running"), running.share)
        else:
            self._progress.hide()
        if not self._backups.on_server:
            self._make.set_enabled(running is None)
        await self.refresh()

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.BACKUPS)
            found = await self._backups.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        newest = found[0] if found else None
        old = newest is not None and datetime.now(UTC) - newest.created_at > OLD
        kind = "none" if newest is None else "old" if old else ""
        self._advice.show(_Advice(kind, len(found), sum(each.size_bytes for each in found)))
        self._rows.show(found)
        self._newest.show(newest.name if newest is not None else "")

    async def _create(self) -> None:
        panel = self._panel
        self._make.disable()
        self._progress.show(panel.t("backup.running"), None)

        async def create() -> None:
            await self._backups.create(panel.require_change(AdminResource.BACKUPS))

        await attempt(panel, create, panel.t("backup.made"))
        await self.follow()

    def _draw_advice(self, advice: _Advice) -> None:
        t = self._panel.t
        if advice.kind == "none":
            draw_empty_state("backup", t("backup.none"), t("backup.none_hint"))
            return
        if advice.kind == "old":
            ui.label(t("backup.old")).classes("notice").props("role=note")
        size = format_size(advice.size_bytes, t)
        html.p(t.count("backup.total", advice.count, size=size)).classes("muted")

    def _draw_commands(self, newest: str) -> None:
        file = self._backups.path(newest) if newest else self._panel.t("backup.file")
        for command in map(secretary_command, ("down", f"restore {file} --force", "up")):
            draw_command(self._panel, command)
