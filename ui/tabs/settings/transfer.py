"""Export and import of the configuration: a file to keep or to take to another installation."""

from collections.abc import Sequence

from nicegui import events, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.transfer.document import ConfigurationFile, SectionName, SectionReport
from deployments.contracts.errors import SecretaryError
from ui.components.file_button import choose_file_button
from ui.components.section import draw_empty_state
from ui.context import PanelContext

MAX_FILE_BYTES = 25_000_000
MAX_LISTED = 12


def draw_transfer_buttons(panel: PanelContext) -> None:
    """Export and import, for users who may do both."""
    if not panel.can_change(AdminResource.CONFIGURATION):
        return
    t, dialog = panel.t, ImportDialog(panel)
    ui.button(t("transfer.export"), icon="download", on_click=lambda: _export(panel)).props("outline no-caps")
    ui.button(t("transfer.import"), icon="upload", on_click=dialog.open).props("outline no-caps aria-haspopup=dialog")


async def _export(panel: PanelContext) -> None:
    try:
        by = panel.require_change(AdminResource.CONFIGURATION)
        file = await panel.services.office.transfer.export(by)
    except SecretaryError as error:
        panel.toast_error(error)
        return
    ui.download.content(file.to_bytes(), "secretary-configuration.json", "application/json")
    panel.toast(panel.t("transfer.exported"))


class ImportDialog:
    """A file is chosen, what it would change is listed, and the chosen sections are imported."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._file: ConfigurationFile | None = None
        self._chosen: dict[SectionName, ui.checkbox] = {}
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("transfer.title")
            self._dialog.props["aria-label"] = t("transfer.title")
            html.h2(t("transfer.title")).classes("dialog-title")
            self._lead = ui.label(t("transfer.lead")).classes("dialog-text")
            self._upload = ui.upload(auto_upload=True, max_file_size=MAX_FILE_BYTES, on_upload=self._read)
            self._upload.props("accept=.json")
            self._choose = choose_file_button(self._upload, t("transfer.choose"))
            self._upload.on("rejected", lambda: panel.toast(t("transfer.too_large"), "negative"))
            self._body = html.div().classes("rows")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.close"), on_click=self._dialog.close).props("flat no-caps")
                self._apply = ui.button(t("transfer.apply"), on_click=self._import).props("unelevated no-caps")

    def open(self) -> None:
        self._file = None
        self._body.clear()
        self._upload.reset()
        self._choose.set_visibility(True)
        self._lead.text = self._panel.t("transfer.lead")
        self._apply.set_visibility(False)
        self._dialog.open()

    async def _read(self, event: events.UploadEventArguments) -> None:
        """The dry run."""
        panel = self._panel
        try:
            by = panel.require_change(AdminResource.CONFIGURATION)
            self._file = ConfigurationFile.parse(await event.file.read())
            reports = await panel.services.office.transfer.load(self._file, by, dry_run=True)
        except SecretaryError as error:
            self._upload.reset()
            panel.toast(panel.t("transfer.bad_file", reason=error.message), "negative")
            return
        self._choose.set_visibility(False)
        self._lead.text = panel.t("transfer.check")
        self._show(reports, done=False)
        self._apply.set_visibility(any(report.changed for report in reports))

    async def _import(self) -> None:
        panel, chosen = self._panel, [name for name, box in self._chosen.items() if box.value]
        if self._file is None:
            return
        self._apply.disable()
        try:
            by = panel.require_change(AdminResource.CONFIGURATION)
            reports = await panel.services.office.transfer.load(self._file, by, dry_run=False, sections=chosen)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._apply.enable()
        self._apply.set_visibility(False)
        self._lead.text = panel.t("transfer.done")
        self._show(reports, done=True)

    def _show(self, reports: Sequence[SectionReport], *, done: bool) -> None:
        t = self._panel.t
        self._body.clear()
        self._chosen = {}
        with self._body:
            if not any(report.changed or report.refused for report in reports):
                draw_empty_state("done_all", t("transfer.same"))
                return
            for report in reports:
                self._draw_section(report, done)

    def _draw_section(self, report: SectionReport, done: bool) -> None:
        t = self._panel.t
        with html.div().classes("transfer-section"):
            title = t(f"transfer.section.{report.section}")
            if done or not report.changed:
                html.div(title).classes("form-label")
            else:
                self._chosen[report.section] = ui.checkbox(title, value=True).classes("form-label")
            html.div(_counts(report, self._panel)).classes("muted")
            if report.changes:
                html.div(_shortened(report.changes)).classes("transfer-names")
            for item in report.refused[:MAX_LISTED]:
                html.div(t("transfer.refused", name=item.key, reason=item.reason)).classes("transfer-refused")


def _counts(report: SectionReport, panel: PanelContext) -> str:
    values = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
    values["not_loaded"] = len(report.refused)
    said = [panel.t(f"transfer.{name}", count=count) for name, count in values.items() if count]
    return ", ".join(said) or panel.t("transfer.nothing")


def _shortened(names: Sequence[str]) -> str:
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" +{more}" if more > 0 else "")
