"""What every tab is given: services, who is looking, in which language, and where the panel lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from nicegui import Client, ui

from deployments.administration.auth.permissions import AdminResource, require_role, required_roles
from ui.auth.panel_sessions import PanelSession
from ui.authorized_faq import AuthorizedFaq
from ui.error_messages import explain_error
from ui.panel_overview import OverviewCache
from ui.panel_services import PanelServices
from ui.preferences import Preferences
from ui.translations import Translator

ToastTone = Literal["positive", "negative", "warning", "info"]


@dataclass(frozen=True)
class PanelContext:
    """One open page. ``root`` is the public path of the panel without a trailing slash ("/admin/ui")."""

    services: PanelServices
    overview: OverviewCache
    session: PanelSession
    preferences: Preferences
    t: Translator
    root_path: str
    client: Client

    @property
    def faq(self) -> AuthorizedFaq:
        """Prepared answers, as far as this person may read and change them."""
        return AuthorizedFaq(self.services.faq, self.services.matcher, self.session)

    def can_read(self, subject: AdminResource) -> bool:
        return self.session.role.covers(required_roles(subject).read)

    def require_change(self, subject: AdminResource) -> None:
        """Raises Forbidden where the role of this moment is too low to do more than read."""
        require_role(self.session.role, required_roles(subject).change)

    def toast(self, text: str, tone: ToastTone = "positive") -> None:
        """A short message that goes away by itself; problems stay longer."""
        seconds = 8_000 if tone == "negative" else 4_000
        if self.client.is_deleted:
            return
        with self.client:  # what asked for the toast may be redrawn by now
            ui.notify(text, type=tone, position="bottom", timeout=seconds, close_button=self.t("common.close"))

    def toast_error(self, error: BaseException) -> None:
        self.toast(explain_error(error, self.t), "negative")


@asynccontextmanager
async def keep_tab_open() -> AsyncIterator[None]:
    """Holds a tab open after its body has run: ends only by cancellation, when the tab or the browser is left."""
    yield
    await asyncio.Event().wait()
