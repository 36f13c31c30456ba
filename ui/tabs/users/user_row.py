"""One user: role, state and what an administrator may do with the account."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.users.service import User, UserChange
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.identity import Role
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import pill
from ui.context import PanelContext
from ui.formatting import format_moment
from ui.tabs.users.invitation import InvitationDialog


class UserActions:
    """Changes of a user. ``refresh`` is awaited after each, ``redraw`` is called after one that failed."""

    def __init__(
        self,
        panel: PanelContext,
        invitation: InvitationDialog,
        refresh: Callable[[], Awaitable[None]],
        redraw: Callable[[User], None],
    ) -> None:
        self._redraw = redraw
        self._panel = panel
        self._invitation = invitation
        self._refresh = refresh

    async def set_role(self, user: User, role: str) -> None:
        await self._change(user, UserChange(role=Role(role)), "users.role_changed")

    async def lock(self, user: User) -> None:
        t = self._panel.t
        title, text = t("users.lock_title", name=user.username), t("users.lock_text")
        if await ask_confirmation(self._panel.client, title, text, t("users.lock"), t("common.cancel")):
            await self._change(user, UserChange(enabled=False), "users.locked_done")

    async def unlock(self, user: User) -> None:
        await self._change(user, UserChange(enabled=True), "users.unlocked_done")

    async def reset_password(self, user: User) -> None:
        t = self._panel.t
        title, text = t("users.reset_title", name=user.username), t("users.reset_text")
        if await ask_confirmation(self._panel.client, title, text, t("users.reset"), t("common.cancel")):
            await self._change(user, UserChange(reset=True), "users.reset_done")

    async def end_sign_ins(self, user: User) -> None:
        panel, t = self._panel, self._panel.t
        title, text = t("users.end_title", name=user.username), t("users.end_text")
        if not await ask_confirmation(panel.client, title, text, t("users.end"), t("common.cancel")):
            return
        try:
            by = panel.require_change(AdminResource.USERS)
            await panel.services.office.users.end_sign_ins(user.username, by)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            panel.toast(t("users.end_done"))

    async def delete(self, user: User) -> None:
        panel, t = self._panel, self._panel.t
        title, text = t("users.delete_title", name=user.username), t("users.delete_text")
        if not await ask_confirmation(panel.client, title, text, t("common.delete"), t("common.cancel")):
            return
        try:
            by = panel.require_change(AdminResource.USERS)
            await panel.services.office.users.delete(user.username, by)
        except Conflict:
            panel.toast(t("users.conflict"), "negative")
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            panel.toast(t("users.deleted"))
        await self._refresh()

    async def _change(self, user: User, change: UserChange, done: str) -> None:
        panel = self._panel
        try:
            by = panel.require_change(AdminResource.USERS)
            _, password = await panel.services.office.users.update(user.username, change, user.version, by)
        except SecretaryError as error:
            if isinstance(error, Conflict):
                panel.toast(panel.t("users.conflict"), "negative")
            else:
                panel.toast_error(error)
            self._redraw(user)
        else:
            panel.toast(panel.t(done))
            if password is not None:
                self._invitation.show_password(user.username, password)
        await self._refresh()


def draw_user(panel: PanelContext, user: User, actions: UserActions) -> ui.element:
    t = panel.t
    own = user.username == panel.session.username
    with ui.element("div").classes("card user-row").props("role=listitem") as row:
        row.props["data-user"] = user.username
        html.span(user.username[:1].upper()).classes("user-sign").props("aria-hidden=true")
        with html.div().classes("user-text"):
            html.div(user.username).classes("user-name")
            with html.div().classes("row-line user-facts"):
                if own:
                    pill(t("users.you"), "good")
                if not user.enabled:
                    pill(t("users.locked"), "bad")
                elif user.must_change_password:
                    pill(t("users.must_change"), "warn")
                if user.created_at is not None:
                    html.span(t("users.since", time=format_moment(user.created_at, panel.time_zone, t))).classes(
                        "muted"
                    )
            html.p(t(f"users.role_about.{user.role}")).classes("muted user-role-about")
        with html.div().classes("user-actions"):
            if own:
                html.span(t(f"users.role.{user.role}")).classes("tag")
            else:
                _draw_actions(panel, user, actions)
    return row


def _draw_actions(panel: PanelContext, user: User, actions: UserActions) -> None:
    t = panel.t
    roles = {role.value: t(f"users.role.{role.value}") for role in Role}
    select = ui.select(roles, value=user.role.value, on_change=lambda e: actions.set_role(user, e.value))
    select.props("outlined dense options-dense").classes("user-role")
    select.props["aria-label"] = t("users.role_of", name=user.username)
    with html.button(type="button").classes("icon-button").props("aria-haspopup=menu") as more:
        ui.icon("more_vert").props("aria-hidden=true")
        with ui.menu().props('anchor="bottom right" self="top right"').classes("menu"):
            if user.enabled:
                _item("lock", t("users.lock"), lambda: actions.lock(user), asks=True)
            else:
                _item("lock_open", t("users.unlock"), lambda: actions.unlock(user))
            _item("logout", t("users.end"), lambda: actions.end_sign_ins(user), asks=True)
            _item("password", t("users.reset"), lambda: actions.reset_password(user), asks=True)
            _item("delete", t("common.delete"), lambda: actions.delete(user), asks=True)
    more.props["aria-label"] = t("users.actions_of", name=user.username)


def _item(icon: str, text: str, act: Callable[[], Awaitable[None]], *, asks: bool = False) -> None:
    with ui.menu_item(on_click=act).props("role=menuitem" + (" aria-haspopup=dialog" if asks else "")):
        ui.icon(icon).props("aria-hidden=true")
        html.span(text)
