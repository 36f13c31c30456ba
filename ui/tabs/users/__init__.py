"""Users: who may sign in, with which role; and the own account with its sign-ins."""

from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.users.service import User
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from ui.components.page_parts import curl_line, page_heading, show_search_icon
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.components.text_fields import TextInput
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.tabs.users.invitation import InvitationDialog
from ui.tabs.users.own_account import draw_own_account
from ui.tabs.users.user_row import UserActions, draw_user
from ui.url_state import UrlState

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class _Footer:
    found: int
    page: int


async def show(panel: PanelContext) -> None:
    page = UsersPage(panel)
    await page.refresh()
    refresh_while_visible(panel, page.refresh)
    async with keep_tab_open():
        pass


class UsersPage:
    """``q``, ``role`` and ``page`` in the address filter the list."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._state = UrlState(panel)
        t = panel.t
        invitation = InvitationDialog(panel, self.refresh)
        self._actions = UserActions(panel, invitation, self.refresh, lambda user: self._rows.redraw(user))
        with html.div().classes("page users"):
            with page_heading(t("users.title"), t("users.lead")):
                ui.button(t("users.invite"), icon="person_add", on_click=invitation.open).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
            draw_own_account(panel)
            self._draw_filter()
            rows = html.div().classes("rows").props(f'role=list aria-label="{t("users.title")}"')
            note, foot = html.div(), html.div().classes("faq-foot")
            curl_line(panel, "POST", "/users", {"username": "olga", "role": "operator"})
        self._rows: KeyedList[User] = KeyedList(rows, lambda user: draw_user(panel, user, self._actions))
        self._note: RedrawnSection[bool] = RedrawnSection(note, self._draw_note)
        self._foot: RedrawnSection[_Footer] = RedrawnSection(foot, self._draw_foot)

    async def refresh(self) -> None:
        panel = self._panel
        try:
            panel.require_read(AdminResource.USERS)
            users = await panel.services.office.users.list()
        except SecretaryError as error:
            panel.toast_error(error)
            return
        found = [user for user in users if self._matches(user)]
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = min(self._state.number("page", 1, 1), pages)
        self._rows.show(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
        self._note.show(not found)
        self._foot.show(_Footer(len(found), page))

    def _matches(self, user: User) -> bool:
        role = self._state.get("role")
        return self._state.get("q").casefold() in user.username and (not role or user.role == role)

    def _draw_filter(self) -> None:
        t = self._panel.t
        with html.div().classes("filter"):
            search = TextInput(
                placeholder=t("users.search"), value=self._state.get("q"), on_change=lambda e: self._filter(q=e.value)
            )
            search.props(f'outlined dense clearable debounce=200 aria-label="{t("users.search")}"')
            search.classes("filter-search")
            show_search_icon(search)
            roles = {"": t("common.all")} | {role.value: t(f"users.role.{role.value}") for role in Role}
            role = self._state.get("role")
            select = ui.select(
                roles, value=role if role in roles else "", on_change=lambda e: self._filter(role=e.value)
            )
            select.props(f'outlined dense options-dense aria-label="{t("users.role_label")}"').classes("users-filter")

    async def _filter(self, **values: str | None) -> None:
        self._state.set(page=None, **values)
        await self.refresh()

    def _draw_note(self, nothing: bool) -> None:
        if nothing:
            draw_empty_state("search_off", self._panel.t("users.nothing_found"), self._panel.t("users.nothing_hint"))

    def _draw_foot(self, footer: _Footer) -> None:
        html.span(self._panel.t.count("users.found", footer.found))
        pages = -(-footer.found // PAGE_SIZE)
        if pages > 1:
            pagination = ui.pagination(1, pages, value=footer.page, on_change=lambda e: self._turn(e.value))
            pagination.props("max-pages=5 boundary-numbers direction-links flat")

    async def _turn(self, page: int) -> None:
        self._state.set(page=page)
        await self.refresh()
