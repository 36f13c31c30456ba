"""Logs: the log files of all processes, filtered, followed and downloaded."""

import asyncio
from typing import cast, get_args

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.logs.log_files import LogFile, LogFilter, LogLevel, LogPage
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import attempt, page_heading, show_search_icon
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_time_ago
from ui.tabs.logs.lines import level_text
from ui.tabs.logs.log_view import PAGE_LINES, LogView
from ui.url_state import UrlState

_LEVELS = cast("tuple[LogLevel, ...]", get_args(LogLevel))
_MAX_SEARCH = 200
_DOWNLOAD_LINES = 1_000_000


async def show(panel: PanelContext) -> None:
    page = LogsPage(panel)
    await page.open()
    try:
        await asyncio.Event().wait()  # until the tab is left
    finally:
        page.close()


class LogsPage:
    """The address has ``file``, ``level``, ``q``, ``follow`` (0: paused) and ``older`` (lines from the end)."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        self._name = ""
        self._page: LogPage | None = None
        t = panel.t
        with html.div().classes("page logs"):
            with page_heading(t("logs.title"), t("logs.lead")):
                download = ui.button(t("common.download"), icon="download", on_click=self._download)
                download.props("outline no-caps")
            with html.div().classes("logs-filter").props(f'role=search aria-label="{t("logs.filter")}"'):
                self._build_filter()
            self._view = LogView(panel, self._show_count)
            self._empty: RedrawnSection[str] = RedrawnSection(html.div(), self._draw_empty)
            with html.div().classes("logs-foot"):
                self._count = ui.label().classes("muted").props("role=status")
                self._older = ui.button(t("logs.older"), icon="expand_less", on_click=lambda: self._go(PAGE_LINES))
                self._newer = ui.button(t("logs.newer"), icon="expand_more", on_click=lambda: self._go(-PAGE_LINES))
                for button in (self._older, self._newer):
                    button.props("flat no-caps dense")

    def close(self) -> None:
        self._view.stop()

    async def open(self) -> None:
        """Offers the files and shows the one of the address, or the newest."""
        try:
            self._panel.require_read(AdminResource.LOGS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        files = await asyncio.to_thread(self._panel.services.operations.logs.list)
        wanted, process = self._url.get("file"), self._url.get("process")
        of_process = [file for file in files if file.display_name == process]
        chosen = next((file for file in files if file.name == wanted), None) or next(iter(of_process or files), None)
        if wanted or process:
            self._url.set(process=None, file=chosen.name if chosen else None)
        self._name = chosen.name if chosen else ""
        self._file.set_options({file.name: self._file_text(file) for file in files}, value=self._name or None)
        await self._show()

    def _build_filter(self) -> None:
        t, url = self._panel.t, self._url
        self._file = ui.select({}, label=t("logs.file"), on_change=lambda event: self._choose(event.value))
        self._file.props("outlined dense options-dense").classes("logs-file")
        levels = {"": t("logs.all_levels")} | {level: self._at_least(level) for level in _LEVELS}
        level = url.get("level") if url.get("level") in levels else ""
        self._level = ui.select(
            levels, value=level, label=t("logs.level"), on_change=lambda event: self._set(level=event.value)
        ).props("outlined dense options-dense")
        self._search = TextInput(
            t("common.search"),
            value=url.get("q")[:_MAX_SEARCH],
            on_change=lambda event: self._set(q=(event.value or "")[:_MAX_SEARCH]),
        )
        self._search.props("outlined dense clearable debounce=300").classes("logs-search")
        show_search_icon(self._search)
        self._follow = ui.switch(
            t("logs.follow"),
            value=url.get("follow") != "0" and not url.number("older", 0),
            on_change=lambda event: self._set_following(bool(event.value)),
        )

    def _at_least(self, level: LogLevel) -> str:
        text = level_text(level, self._panel.t)
        return text if level == "CRITICAL" else self._panel.t("logs.and_worse", level=text)

    def _file_text(self, file: LogFile) -> str:
        t = self._panel.t
        key = f"logs.process.{file.display_name}"
        name = t(key) if t.has(key) else file.display_name
        detail = file.name.removeprefix(file.display_name).strip(".").removesuffix(".log")
        size = t("logs.kb", value=max(1, round(file.size_kb)))
        return " · ".join(part for part in (name, detail, size, format_time_ago(file.modified, t)) if part)

    def _criteria(self) -> LogFilter:
        level = self._url.get("level")
        return LogFilter(self._url.get("q")[:_MAX_SEARCH], next((each for each in _LEVELS if each == level), None))

    async def _choose(self, name: str | None) -> None:
        if name and name != self._name:
            self._name = name
            await self._set(file=name)

    async def _set(self, **values: str | int | None) -> None:
        self._url.set(**values, older=None)
        await self._show()

    async def _set_following(self, following: bool) -> None:
        self._url.set(follow=None if following else 0)
        if following:
            await self._set()
        else:
            self._view.stop()

    async def _go(self, lines: int) -> None:
        """Shows older or newer lines. New ones are not shown meanwhile."""
        offset = max(0, self._url.number("older", 0) + lines)
        self._url.set(older=offset or None)
        if offset and self._follow.value:
            self._follow.value = False
        await self._show()

    async def _show(self) -> None:
        if not self._name:
            self._explain("files")
            self._show_count()
            return
        offset, criteria = self._url.number("older", 0), self._criteria()
        try:
            self._page = page = await self._view.show_page(self._name, offset, criteria)
            if self._follow.value and not offset:
                await self._view.follow(self._name, criteria, page.size_bytes)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._explain("" if page.lines else "lines")
        self._older.set_enabled(len(page.lines) == PAGE_LINES)
        self._newer.set_enabled(offset > 0)
        self._show_count()

    def _show_count(self) -> None:
        t = self._panel.t
        text = t.count("logs.shown", self._view.line_count)
        if self._page is not None and self._page.more and len(self._page.lines) < PAGE_LINES:
            text = f"{text}. {t('logs.not_all')}"
        self._count.text = text
        if self._view.line_count:
            self._explain("")

    def _explain(self, reason: str) -> None:
        """Says why there is nothing to read, in place of the lines."""
        self._empty.show(reason)
        self._view.set_visibility(not reason)
        for button in (self._older, self._newer):
            button.set_visibility(reason != "files")

    def _draw_empty(self, reason: str) -> None:
        t = self._panel.t
        if reason == "files":
            draw_empty_state("article", t("logs.no_files"), t("logs.no_files_hint"))
        elif reason:
            draw_empty_state("search_off", t("logs.no_lines"), t("logs.no_lines_hint"))

    async def _download(self) -> None:
        """Sends the lines that match the filter, at most the last 16 MiB of the file."""
        panel, name = self._panel, self._name
        if not name:
            return

        async def send() -> None:
            panel.require_read(AdminResource.LOGS)
            files, criteria = panel.services.operations.logs, self._criteria()
            page = await asyncio.to_thread(files.read, name, _DOWNLOAD_LINES, 0, criteria)
            ui.download.content("\n".join([*page.lines, ""]), name, "text/plain")

        await attempt(panel, send)
