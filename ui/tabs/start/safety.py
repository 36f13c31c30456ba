"""A first backup, and a second user."""

from datetime import UTC, datetime

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.backup.backups import StoredBackup
from deployments.administration.users.service import User
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import attempt, pill
from ui.components.progress_line import ProgressLine
from ui.components.section import KeyedList, RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.tabs.backup.backup_row import draw_backup
from ui.tabs.start.step import StepContext
from ui.tabs.users.invitation import InvitationDialog

_POLL_S = 0.5
_SHOWN_USERS = 5
_BEGINNING = datetime.min.replace(tzinfo=UTC)


async def draw(step: StepContext) -> None:
    t = step.panel.t
    html.h3(t("nav.backup"))
    backup = FirstBackup(step)
    html.h3(t("nav.users"))
    users = SecondUser(step.panel)
    await backup.refresh()
    await users.refresh()
    refresh_while_visible(step.panel, backup.follow, _POLL_S)


class FirstBackup:
    """The newest backup with its age. A backup goes on when the page is left."""

    def __init__(self, step: StepContext) -> None:
        self._panel, self._done = step.panel, step.done
        self._backups = step.panel.services.operations.backups
        t = self._panel.t
        self._note = ui.label().classes("start-text")
        rows = html.div().classes("start-stack").props("role=list")
        rows.props["aria-label"] = t("nav.backup")
        self._rows: KeyedList[StoredBackup] = KeyedList(rows, lambda each: draw_backup(self._panel, each, self.refresh))
        self._progress = ProgressLine(self._panel)
        self._make = ui.button(t("backup.make"), icon="backup", on_click=self._create).props("outline no-caps")
        if self._backups.on_server:
            self._make.disable()
            ui.label(t("backup.on_server")).classes("notice").props("role=note")

    async def follow(self) -> None:
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
        self._note.text = self._panel.t("start.backup_stored" if found else "start.backup_text")
        self._rows.show(found[:1])

    async def _create(self) -> None:
        self._make.disable()
        self._progress.show(self._panel.t("backup.running"), None)

        async def create() -> None:
            await self._backups.create(self._panel.require_change(AdminResource.BACKUPS))

        if await attempt(self._panel, create, self._panel.t("backup.made")):
            await self._done()
        await self.follow()


class SecondUser:
    """Who may sign in now, the newest first, and the invitation of one more."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        invitation = InvitationDialog(panel, self.refresh)
        self._section: RedrawnSection[tuple[User, ...]] = RedrawnSection(html.div().classes("start-stack"), self._draw)
        ui.button(panel.t("users.invite"), icon="person_add", on_click=invitation.open).props(
            "outline no-caps aria-haspopup=dialog"
        )

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.USERS)
            self._section.show(tuple(await self._panel.services.office.users.list()))
        except SecretaryError as error:
            self._panel.toast_error(error)

    def _draw(self, users: tuple[User, ...]) -> None:
        t = self._panel.t
        html.p(t.count("start.users_now", len(users)))
        with html.ul().classes("start-users"):
            for user in sorted(users, key=lambda each: each.created_at or _BEGINNING, reverse=True)[:_SHOWN_USERS]:
                with html.li():
                    html.span(user.username).classes("start-strong")
                    html.span(t(f"users.role.{user.role}")).classes("muted")
                    if user.username == self._panel.session.username:
                        pill(t("users.you"), "good")
                    elif user.must_change_password:
                        pill(t("users.must_change"), "warn")
        html.a(t("start.users_open"), href=f"{self._panel.root_path}/users").classes("text-link")
