"""What every tab is given: services, who is looking, in which language, and where the panel lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from nicegui import Client, ui

from deployments.administration.rights import Subject, require, rights
from ui.access.sessions import PanelSession
from ui.answers import OwnAnswers
from ui.overview import OverviewFeed
from ui.preferences import Preferences
from ui.problems import explain_error
from ui.services import PanelServices
from ui.translations import Translator

Tone = Literal["positive", "negative", "warning", "info"]


@dataclass(frozen=True)
class Panel:
    """One open page. ``root`` is the public path of the panel without a trailing slash ("/admin/ui")."""

    services: PanelServices
    overview: OverviewFeed
    session: PanelSession
    preferences: Preferences
    t: Translator
    root: str
    client: Client

    @property
    def answers(self) -> OwnAnswers:
        """Prepared answers, as far as this person may read and change them."""
        return OwnAnswers(self.services.faq, self.services.matcher, self.session)

    def may_read(self, subject: Subject) -> bool:
        return self.session.role.covers(rights(subject).read)

    def require_change(self, subject: Subject) -> None:
        """Raises Forbidden where the role of this moment is too low to do more than read."""
        require(self.session.role, rights(subject).change)

    def toast(self, text: str, tone: Tone = "positive") -> None:
        """A short message that goes away by itself; problems stay longer."""
        seconds = 8_000 if tone == "negative" else 4_000
        if self.client.is_deleted:
            return
        with self.client:  # what asked for the toast may be redrawn by now
            ui.notify(text, type=tone, position="bottom", timeout=seconds, close_button=self.t("common.close"))

    def toast_error(self, error: BaseException) -> None:
        self.toast(explain_error(error, self.t), "negative")


@asynccontextmanager
async def until_left() -> AsyncIterator[None]:
    """Holds a tab open after its body has run: ends only by cancellation, when the tab or the browser is left."""
    yield
    await asyncio.Event().wait()
