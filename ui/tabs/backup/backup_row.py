"""One backup: age, size, what it holds, and what can be done with it."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.backup.backups import BackupContents, StoredBackup
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import icon_button
from ui.context import PanelContext
from ui.formatting import format_moment, format_size, format_time_ago


def draw_backup(panel: PanelContext, backup: StoredBackup, refresh: Callable[[], Awaitable[None]]) -> ui.element:
    t = panel.t
    with ui.element("div").classes("card backup-row").props("role=listitem") as row:
        row.props["data-backup"] = backup.name
        with html.div().classes("backup-line"):
            with html.div().classes("backup-text"):
                html.div(format_moment(backup.created_at, panel.time_zone, t)).classes("backup-time")
                age, size = format_time_ago(backup.created_at, t), format_size(backup.size_bytes, t)
                html.div(f"{age} · {size}").classes("muted")
                html.div(backup.name).classes("backup-name")
            with html.div().classes("row-line"):
                icon_button("info", t("backup.show_contents"), lambda: _show_contents(panel, backup, contents))
                icon_button("download", t("common.download"), lambda: _download(panel, backup))
                icon_button("delete", t("common.delete"), lambda: _delete(panel, backup, refresh)).props(
                    "aria-haspopup=dialog"
                )
        contents = html.div().classes("backup-contents").props("role=status")
    return row


async def _show_contents(panel: PanelContext, backup: StoredBackup, target: ui.element) -> None:
    target.clear()
    with target:
        ui.spinner(size="sm")
    try:
        panel.require_read(AdminResource.BACKUPS)
        found = await panel.services.operations.backups.contents(backup.name)
    except SecretaryError as error:
        target.clear()
        panel.toast_error(error)
        return
    target.clear()
    with target, html.ul():
        for line in _contents_lines(found, panel):
            html.li(line)


def _contents_lines(found: BackupContents, panel: PanelContext) -> tuple[str, ...]:
    t = panel.t
    return (
        t("backup.has_database", size=format_size(found.database_bytes, t)),
        t.count("backup.has_recordings", found.recordings, size=format_size(found.recordings_bytes, t)),
        t.count("backup.has_voices", found.voice_files),
        t("backup.has_keys" if found.with_keys else "backup.has_no_keys"),
        t("backup.has_no_models"),
        t("backup.of_version", version=found.version, size=format_size(found.unpacked_bytes, t)),
    )


async def _download(panel: PanelContext, backup: StoredBackup) -> None:
    """The browser fetches the file from disk under an address that works once."""
    try:
        by = panel.require_change(AdminResource.BACKUPS)
        path = await panel.services.operations.backups.fetch(backup.name, by)
    except SecretaryError as error:
        panel.toast_error(error)
        return
    ui.download.file(path, backup.name, "application/gzip")


async def _delete(panel: PanelContext, backup: StoredBackup, refresh: Callable[[], Awaitable[None]]) -> None:
    t = panel.t
    title = t("backup.delete_title", time=format_moment(backup.created_at, panel.time_zone, t))
    if not await ask_confirmation(panel.client, title, t("backup.delete_text"), t("common.delete"), t("common.cancel")):
        return
    try:
        by = panel.require_change(AdminResource.BACKUPS)
        await panel.services.operations.backups.delete(backup.name, by)
    except SecretaryError as error:
        panel.toast_error(error)
    else:
        panel.toast(t("backup.deleted"))
    await refresh()
