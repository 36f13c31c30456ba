"""A window of at most a thousand lines: pages of the file, and new lines while it is followed."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from nicegui import ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.logs.log_files import LogFilter, LogPage
from deployments.administration.logs.log_tail import LogTail
from deployments.contracts.errors import SecretaryError
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.tabs.logs.lines import show_line

MAX_LINES = 1_000
PAGE_LINES = 300
_READ_INTERVAL_S = 0.5
_MAX_BLOCKS = 400
"""What is read at once after the tab was hidden, 100 MB; the rest follows."""


class LogView:
    """Built in the current slot. New lines are read and shown twice a second while the tab is visible, so that a busy
    log does not freeze the browser; ``on_lines`` is called after that, and after each page."""

    def __init__(self, panel: PanelContext, on_lines: Callable[[], None]) -> None:
        self._panel = panel
        self._files = panel.services.operations.logs
        self._on_lines = on_lines
        self._level = ""
        self._tail: LogTail | None = None
        self._reading = asyncio.Lock()
        self._log = ui.log(max_lines=MAX_LINES).classes("logs-lines")
        self._log.props(f'role=log tabindex=0 aria-label="{panel.t("logs.lines")}"')
        refresh_while_visible(panel, self._show_new, _READ_INTERVAL_S)

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

    async def follow(self, name: str, criteria: LogFilter, at: int) -> None:
        """Shows lines that are written after the byte ``at``, until ``stop``. Raises NotFound when the file is gone."""
        tail = LogTail(self._files, name, criteria)
        await asyncio.to_thread(tail.open, at)
        self.stop()
        if self._log.is_deleted:
            tail.close()
        else:
            self._tail = tail

    def stop(self) -> None:
        """Shows no new lines any more."""
        tail, self._tail = self._tail, None
        if tail is not None and not self._reading.locked():
            tail.close()

    async def _show_new(self) -> None:
        tail = self._tail
        if tail is None or self._reading.locked():
            return
        async with self._reading:
            lines = await asyncio.to_thread(_read_new, tail)
        if tail is not self._tail:
            tail.close()
            return
        if not lines:
            return
        try:
            self._panel.require_read(AdminResource.LOGS)
        except SecretaryError as error:
            self.stop()
            self._panel.toast_error(error)
            return
        self._push(lines)

    def _push(self, lines: Sequence[str]) -> None:
        for line in lines:
            shown = show_line(line, self._level, self._panel.t)
            self._level = shown.level
            self._log.push(shown.text, classes=f"logs-line logs-{shown.level.lower() or 'plain'}")
        self._on_lines()


def _read_new(tail: LogTail) -> Sequence[str]:
    """The newest matching lines."""
    lines: deque[str] = deque(maxlen=MAX_LINES)
    for _ in range(_MAX_BLOCKS):
        found = tail.read()
        if found is None:
            break
        lines.extend(line.line for line in found)
    return tuple(lines)
