"""The context of an open page: services, session, language and the path of the panel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from nicegui import Client, ui

from deployments.administration.auth.permissions import AdminResource, require_role, required_roles
from ui.attention import AttentionCache
from ui.auth.panel_sessions import PanelSession, PanelSessions
from ui.authorized_faq import AuthorizedFaq
from ui.error_messages import explain_error
from ui.panel_overview import OverviewCache
from ui.panel_services import PanelServices
from ui.preferences import Preferences
from ui.shared_readings import SharedReadings
from ui.translations import Translator

ToastTone = Literal["positive", "negative", "warning", "info"]


@dataclass(frozen=True)
class PanelContext:
    """One open page. ``root_path`` is the public path of the panel without a trailing slash ("/admin/ui"). Pages that
    show changing data refresh it every ``refresh_interval_s`` seconds."""

    services: PanelServices
    overview: OverviewCache
    attention: AttentionCache
    readings: SharedReadings
    session: PanelSession
    sessions: PanelSessions
    preferences: Preferences
    t: Translator
    root_path: str
    client: Client
    refresh_interval_s: float

    @property
    def faq(self) -> AuthorizedFaq:
        """The FAQ with the permissions of this user."""
        return AuthorizedFaq(self.services.faq, self.services.matcher, self.session)

    @property
    def time_zone(self) -> tzinfo:
        """The time zone of the installation."""
        return ZoneInfo(self.services.publisher.current.settings.time_zone)

    def can_read(self, resource: AdminResource) -> bool:
        return self.session.role.covers(required_roles(resource).read)

    def can_change(self, resource: AdminResource) -> bool:
        return self.session.role.covers(required_roles(resource).change)

    def require_read(self, resource: AdminResource) -> None:
        """Raises Forbidden when the current role may not read ``resource``."""
        require_role(self.session.role, required_roles(resource).read)

    def require_change(self, resource: AdminResource) -> str:
        """The username, after a check that the current role may change ``resource``. Raises Forbidden."""
        require_role(self.session.role, required_roles(resource).change)
        return self.session.username

    def toast(self, text: str, tone: ToastTone = "positive") -> None:
        """Shows a short notification that disappears by itself after 4 seconds, errors after 8."""
        timeout_ms = 8_000 if tone == "negative" else 4_000
        if self.client.is_deleted:
            return
        with self.client:  # the element that triggered the toast may be deleted by now
            ui.notify(text, type=tone, position="bottom", timeout=timeout_ms, close_button=self.t("common.close"))

    def toast_error(self, error: BaseException) -> None:
        self.toast(explain_error(error, self.t), "negative")


@asynccontextmanager
async def keep_tab_open() -> AsyncIterator[None]:
    """Waits after the body of the block until NiceGUI cancels the tab, which it does when the user leaves it."""
    yield
    await asyncio.Event().wait()
