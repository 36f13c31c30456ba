"""The running download and the running scan: progress, speed, remaining time, cancel and what came of it."""

import time

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.models.views import DownloadStatus, ScanStatus
from deployments.contracts.errors import SecretaryError
from ui.byte_sizes import format_bytes
from ui.components.page_parts import Tone, card, pill
from ui.components.progress_line import ProgressLine
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.error_messages import format_wait_time

_SPEED_WINDOW_S = 8.0

_FINDINGS: dict[str, tuple[str, Tone]] = {
    "whole": ("models.whole", "good"),
    "damaged": ("models.damaged", "bad"),
    "incomplete": ("models.incomplete", "bad"),
    "unknown": ("models.unverified", "plain"),
    "gone": ("models.gone", "plain"),
}


class Speed:
    """Bytes per second over the last seconds."""

    def __init__(self) -> None:
        self._points: list[tuple[float, int]] = []

    def measure(self, done: int, now: float) -> float | None:
        """None until two points are known."""
        if self._points and done < self._points[-1][1]:
            self._points = []
        self._points = [point for point in self._points if now - point[0] < _SPEED_WINDOW_S]
        self._points.append((now, done))
        (then, before), (_, after) = self._points[0], self._points[-1]
        return (after - before) / (now - then) if now - then > 0.5 and after > before else None


class DownloadLine:
    """Hidden while nothing was downloaded since the start of the office."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._speed = Speed()
        with html.section().classes("card models-job") as self._card:
            self._title = ui.label().classes("models-job-title").props("role=heading aria-level=2")
            cancel = self._cancel if panel.can_change(AdminResource.MODEL_FILES) else None
            self._progress = ProgressLine(panel, cancel)
            self._note: RedrawnSection[str] = RedrawnSection(html.div(), self._draw_note)
        self._card.set_visibility(False)

    def show(self, status: DownloadStatus) -> None:
        t = self._panel.t
        self._card.set_visibility(status.state != "idle")
        titles = {
            "running": "models.downloading",
            "finished": "models.download_finished",
            "failed": "models.download_failed",
            "cancelled": "models.download_cancelled",
        }
        if status.state == "idle":
            return
        self._title.text = t(titles[status.state], model=status.model_id)
        if status.state == "running":
            share = min(1.0, status.done / status.total) if status.total else None
            self._progress.show(self._describe(status), share)
            self._note.show(t("models.leave_hint"))
            return
        self._progress.hide()
        self._note.show({"failed": status.error or "", "cancelled": t("models.kept")}.get(status.state, ""))

    def _describe(self, status: DownloadStatus) -> str:
        t = self._panel.t
        parts = [format_bytes(status.done, t)]
        if status.total:
            parts = [t("models.of", done=parts[0], total=format_bytes(status.total, t))]
        speed = self._speed.measure(status.done, time.monotonic())
        if speed:
            parts.append(t("models.per_second", speed=format_bytes(speed, t)))
            if status.total and status.total > status.done:
                parts.append(t("models.left", time=format_wait_time((status.total - status.done) / speed, t)))
        return " · ".join(parts)

    def _draw_note(self, text: str) -> None:
        if text:
            ui.label(text).classes("muted models-note")

    async def _cancel(self) -> None:
        try:
            username = self._panel.require_change(AdminResource.MODEL_FILES)
            self.show(await self._panel.services.operations.models.cancel_download(username))
        except SecretaryError as error:
            self._panel.toast_error(error)


class ScanCard:
    """Hidden until the first scan since the start of the office."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        with card(panel.t("models.scan_title"), panel.t("models.scan_note")) as self._card:
            cancel = self._cancel if panel.can_change(AdminResource.MODEL_FILES) else None
            self._progress = ProgressLine(panel, cancel)
            self._findings: RedrawnSection[ScanStatus] = RedrawnSection(html.div().classes("rows"), self._draw)
        self._card.set_visibility(False)

    def show(self, status: ScanStatus) -> None:
        t = self._panel.t
        self._card.set_visibility(status.state != "idle")
        if status.state == "running":
            numbers = t("models.of", done=format_bytes(status.done, t), total=format_bytes(status.total, t))
            self._progress.show(f"{status.current} · {numbers}", status.done / status.total if status.total else None)
        else:
            self._progress.hide()
        self._findings.show(status.model_copy(update={"done": 0, "current": ""}))

    def _draw(self, status: ScanStatus) -> None:
        t = self._panel.t
        bad = [each for each in status.findings if each.status in ("damaged", "incomplete")]
        if status.state == "finished":
            text = t.count("models.scan_bad", len(bad)) if bad else t("models.scan_good")
            ui.label(text).props("role=status").classes("models-verdict")
        elif status.state in ("failed", "cancelled"):
            ui.label(status.error or t("models.scan_cancelled")).props("role=status")
        for finding in status.findings:
            key, tone = _FINDINGS[finding.status]
            with html.div().classes("row-line").props(f"data-finding={finding.status}"):
                html.span(finding.id).classes("models-name")
                pill(t(key), tone)
                html.span(format_bytes(finding.size, t)).classes("muted")
                if finding.status in ("damaged", "incomplete"):
                    html.span(t("models.damaged_hint")).classes("muted")

    def _cancel(self) -> None:
        try:
            self._panel.require_change(AdminResource.MODEL_FILES)
            self.show(self._panel.services.operations.models.cancel_scan())
        except SecretaryError as error:
            self._panel.toast_error(error)
