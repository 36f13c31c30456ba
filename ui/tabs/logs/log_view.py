"""A window of at most a thousand lines: pages of the file, and new lines while it is followed."""

import asyncio
from collections import deque
from collections.abc import Callable

from nicegui import ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.logs.log_files import LogFilter, LogPage
from deployments.administration.logs.log_tail import LogTail
from deployments.contracts.errors import SecretaryError
from ui.context import PanelContext
from ui.tabs.logs.lines import show_line

MAX_LINES = 1_000
PAGE_LINES = 300
_FLUSH_INTERVAL_S = 0.5


class LogView:
    """Built in the current slot. New lines are collected and shown twice a second, so that a busy log does not freeze
    the browser; ``on_lines`` is called after that, and after each page."""

    def __init__(self, panel: PanelContext, on_lines: Callable[[], None]) -> None:
        self._panel = panel
        self._files = panel.services.operations.logs
        self._on_lines = on_lines
        self._pending: deque[str] = deque(maxlen=MAX_LINES)
        self._level = ""
        self._task: asyncio.Task[None] | None = None
        self._log = ui.log(max_lines=MAX_LINES).classes("logs-lines")
        self._log.props(f'role=log tabindex=0 aria-label="{panel.t("logs.lines")}"')
        ui.timer(_FLUSH_INTERVAL_S, self._flush)

    @property
    def line_count(self) -> int:
        return len(self._log.default_slot.children)

    def set_visibility(self, visible: bool) -> None:
        self._log.set_visibility(visible)

    async def show_page(self, name: str, offset: int, criteria: LogFilter) -> LogPage:
        """Shows the newest lines, or those ``offset`` lines before. Raises NotFound when the file is gone."""
        self.stop()
        self._panel.require_read(AdminResource.LOGS)
        page = await asyncio.to_thread(self._files.read, name, PAGE_LINES, offset, criteria)
        self._log.clear()
        self._level = ""
        self._push(page.lines)
        return page

    def follow(self, name: str, criteria: LogFilter, at: int) -> None:
        """Shows lines that are written after the byte ``at``, until ``stop``."""
        self.stop()
        tail = LogTail(self._files, name, criteria)
        self._task = asyncio.create_task(self._collect(tail, at), name=f"follow {name}")

    def stop(self) -> None:
        """Shows no new lines any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._pending.clear()

    async def _collect(self, tail: LogTail, at: int) -> None:
        try:
            await asyncio.to_thread(tail.open, at)
            async for line in tail.lines():
                self._pending.append(line.line)
        except SecretaryError as error:
            self._panel.toast_error(error)
        finally:
            tail.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        try:
            self._panel.require_read(AdminResource.LOGS)
        except SecretaryError as error:
            self.stop()
            self._panel.toast_error(error)
            return
        lines = tuple(self._pending)
        self._pending.clear()
        self._push(lines)

    def _push(self, lines: tuple[str, ...]) -> None:
        for line in lines:
            shown = show_line(line, self._level, self._panel.t)
            self._level = shown.level
            self._log.push(shown.text, classes=f"logs-line logs-{shown.level.lower() or 'plain'}")
        self._on_lines()
