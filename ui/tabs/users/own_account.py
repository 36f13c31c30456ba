"""The own account: link to the password page, and the sign-ins of this user."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.auth.guard import PASSWORD_PATH
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import card, pill
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.formatting import format_moment


@dataclass(frozen=True, slots=True)
class _SignIns:
    """Sign-ins of the panel: token, time, address and browser; and the number of those by API."""

    panel: tuple[tuple[str, datetime, str, str], ...]
    by_api: int


def draw_own_account(panel: PanelContext) -> None:
    t = panel.t
    with card(t("users.own_title"), panel.session.username):
        section: RedrawnSection[_SignIns] = RedrawnSection(html.div(), lambda found: _draw(panel, found))
        with html.div().classes("row-line users-own"):
            html.a(t("password.title"), href=f"{panel.root_path}{PASSWORD_PATH}", target="_top").classes("text-link")
            end = ui.button(t("users.end_own"), icon="logout", on_click=lambda: _end_all(panel))
            end.props("flat no-caps aria-haspopup=dialog")

    def refresh() -> None:
        section.show(_read(panel))

    refresh()
    refresh_while_visible(panel, refresh)


def _read(panel: PanelContext) -> _SignIns:
    own = panel.sessions.of_user(panel.session.username)
    by_api = panel.services.office.tokens.sign_ins_of(panel.session.username)
    return _SignIns(tuple((each.token, each.opened_at, each.address, each.browser) for each in own), len(by_api))


def _draw(panel: PanelContext, found: _SignIns) -> None:
    t = panel.t
    with html.ul().classes("users-sessions").props(f'aria-label="{t("users.sessions")}"'):
        for token, opened_at, address, browser in found.panel:
            with html.li():
                ui.icon("computer").props("aria-hidden=true")
                with html.div().classes("user-text"):
                    html.div(browser or t("users.unknown_browser"))
                    html.div(
                        t("users.session_since", time=format_moment(opened_at, panel.time_zone, t), address=address)
                    ).classes("muted")
                if token == panel.session.token:
                    pill(t("users.this_session"), "good")
                else:
                    ui.button(t("users.end_session"), on_click=lambda token=token: panel.sessions.close(token)).props(
                        "flat dense no-caps"
                    )
    if found.by_api:
        html.p(t.count("users.by_api", found.by_api)).classes("muted")


async def _end_all(panel: PanelContext) -> None:
    t = panel.t
    if not await ask_confirmation(
        panel.client, t("users.end_own"), t("users.end_own_text"), t("users.end"), t("common.cancel")
    ):
        return
    try:
        by = panel.require_change(AdminResource.OWN_ACCOUNT)
        await panel.services.office.users.end_sign_ins(by, by)
    except SecretaryError as error:
        panel.toast_error(error)
