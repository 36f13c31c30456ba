"""Import of FAQ files: the file is checked first and shown line by line, then applied."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import events, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.faq.file_reader import FaqFileReader, file_kind
from deployments.administration.faq.files import ImportRow, RejectedRow
from deployments.administration.faq.importing import ImportMode, ImportReport
from deployments.contracts.errors import SecretaryError
from deployments.contracts.memory_file import MemoryFile
from ui.components.file_button import choose_file_button
from ui.context import PanelContext

_MEGABYTE = 1 << 20
_MAX_SHOWN = 200
_PROBLEM_TEXTS = {
    "question": "faq.import_bad_question",
    "answer": "faq.import_bad_answer",
    "alternatives": "faq.import_bad_list",
    "keywords": "faq.import_bad_list",
    "language": "faq.import_bad_language",
}
_ACTION_TEXTS = {"created": "faq.row_created", "updated": "faq.row_updated", "deleted": "faq.row_deleted"}


class FaqImportDialog:
    """``on_imported`` is awaited after entries were stored."""

    def __init__(self, panel: PanelContext, on_imported: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_imported = on_imported
        self._reader = FaqFileReader()
        self._rows: Sequence[ImportRow] = ()
        self._rejected: Sequence[RejectedRow] = ()
        t = panel.t
        megabytes = panel.services.publisher.current.settings.limits.max_body_mb
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props('role=dialog aria-modal="true"') as card:
            card.props["aria-label"] = t("faq.import_title")
            self._dialog.props["aria-label"] = t("faq.import_title")
            html.h2(t("faq.import_title")).classes("dialog-title")
            html.p(t("faq.import_hint")).classes("muted")
            self._upload = ui.upload(
                auto_upload=True,
                max_files=1,
                max_file_size=megabytes * _MEGABYTE,
                on_upload=self._check,
                on_rejected=lambda: panel.toast(t("faq.import_too_large", megabytes=megabytes), "negative"),
            ).props("accept=.csv,.json")
            choose_file_button(self._upload, t("faq.import_choose"))
            self._mode = ui.radio(
                {"merge": t("faq.import_merge"), "replace": t("faq.import_replace")},
                value="merge",
                on_change=self._plan,
            )
            self._result = html.div().classes("faq-import-result").props('aria-live="polite"')
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                self._apply = ui.button(t("faq.import_apply"), on_click=self._store).props("unelevated no-caps")

    def open(self) -> None:
        self._rows, self._rejected = (), ()
        self._upload.reset()
        self._result.clear()
        self._mode.value = "merge"
        self._apply.set_enabled(False)
        self._dialog.open()

    async def _check(self, upload: events.UploadEventArguments) -> None:
        """Reads the file and shows what its import would do."""
        try:
            self._panel.require_change(AdminResource.FAQ_FILES)
            with MemoryFile() as file:
                file.write(await upload.file.read())
                kind = file_kind(file, csv=upload.file.name.lower().endswith(".csv"))
                self._rows, self._rejected = await self._reader.read(file, kind)
        except SecretaryError as error:
            self._rows, self._rejected = (), ()
            self._result.clear()
            with self._result:
                html.p(error.message).classes("bubble-problem").props("role=alert")
            self._apply.set_enabled(False)
        else:
            await self._plan()
        finally:
            self._upload.reset()

    async def _plan(self) -> None:
        if not (self._rows or self._rejected):
            return
        try:
            report = await self._import(dry_run=True)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._result.clear()
        with self._result:
            self._draw(report)
        blocked = self._mode.value == "replace" and bool(report.rejected)
        self._apply.set_enabled(bool(report.changes) and not blocked)

    async def _store(self) -> None:
        try:
            report = await self._import(dry_run=False)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._dialog.close()
        self._panel.toast(self._panel.t.count("faq.imported", len(report.changes)))
        await self._on_imported()

    async def _import(self, *, dry_run: bool) -> ImportReport:
        by = self._panel.require_change(AdminResource.FAQ_FILES)
        mode: ImportMode = "replace" if self._mode.value == "replace" else "merge"
        importer = self._panel.services.office.faq_importer
        return await importer.import_rows(self._rows, self._rejected, mode, dry_run=dry_run, by=by)

    def _draw(self, report: ImportReport) -> None:
        t = self._panel.t
        counts = (
            ("faq.will_create", report.created),
            ("faq.will_update", report.updated),
            ("faq.will_delete", report.deleted),
            ("faq.will_keep", report.unchanged),
            ("faq.will_refuse", len(report.rejected)),
        )
        html.p(" · ".join(t(key, count=count) for key, count in counts if count)).classes("faq-import-counts")
        if report.rejected and self._mode.value == "replace":
            html.p(t("faq.import_blocked")).classes("notice").props("role=note")
        lines = [
            (row.line, t("faq.row_refused"), t(_PROBLEM_TEXTS.get(row.field, "faq.import_bad_row")), "bad")
            for row in report.rejected
        ]
        lines += [(each.line, t(_ACTION_TEXTS[each.action]), each.question, each.action) for each in report.changes]
        with html.ul().classes("faq-import-lines"):
            for line, action, text, tone in lines[:_MAX_SHOWN]:
                with html.li().classes(f"faq-import-{tone}"):
                    html.span(t("faq.line", line=line) if line else "").classes("faq-import-line")
                    html.span(action).classes("faq-import-action")
                    html.span(text).classes("faq-import-text")
        if len(lines) > _MAX_SHOWN:
            html.p(t.count("faq.more_lines", len(lines) - _MAX_SHOWN)).classes("muted")
