"""Inviting a user: name and role, then a generated password that is shown once."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.identity import Role
from ui.components.command_copy import draw_command
from ui.components.text_fields import TextInput
from ui.context import PanelContext


class InvitationDialog:
    """``on_created`` is awaited after a user was created."""

    def __init__(self, panel: PanelContext, on_created: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_created = on_created
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("users.invite_title")
            self._dialog.props["aria-label"] = t("users.invite_title")
            html.h2(t("users.invite_title")).classes("dialog-title")
            self._name = TextInput(t("users.name")).props("outlined dense autocomplete=off autofocus maxlength=100")
            self._name.props["hint"] = t("users.name_hint")
            with html.fieldset().classes("users-roles"):
                html.legend(t("users.role_label"))
                roles = {role.value: t(f"users.role.{role.value}") for role in Role}
                self._role = ui.radio(roles, value=Role.OPERATOR.value, on_change=self._show_role).props("inline")
                self._about = ui.label().classes("muted")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("users.create"), on_click=self._create).props("unelevated no-caps")
        self._show_role()

    def open(self) -> None:
        self._name.value = ""
        self._name.error = None
        self._dialog.open()

    def show_password(self, username: str, password: str) -> None:
        """A dialog with a password that nobody can read again."""
        t = self._panel.t
        with self._panel.client, ui.dialog() as dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("users.password_title", name=username)
            dialog.props["aria-label"] = t("users.password_title", name=username)
            dialog.props("persistent")
            html.h2(t("users.password_title", name=username)).classes("dialog-title")
            html.p(t("users.password_text")).classes("dialog-text")
            draw_command(self._panel, password)
            with html.div().classes("dialog-actions"):
                ui.button(t("users.password_done"), on_click=dialog.close).props("unelevated no-caps")
        dialog.on("hide", dialog.delete)
        dialog.open()

    def _show_role(self) -> None:
        self._about.text = self._panel.t(f"users.role_about.{self._role.value}")

    async def _create(self) -> None:
        panel, t = self._panel, self._panel.t
        try:
            by = panel.require_change(AdminResource.USERS)
            user, password = await panel.services.office.users.create(
                self._name.value or "", Role(self._role.value), None, by
            )
        except Conflict:
            self._name.error = t("users.name_taken")
        except InvalidRequest:
            self._name.error = t("users.name_bad")
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._dialog.close()
            if password is not None:
                self.show_password(user.username, password)
            await self._on_created()
