"""The running conversations of a bot and the last lines of its log."""

import asyncio

from nicegui import html, ui

from deployments import names
from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.instances import BotSpec
from storage.repositories.sessions import RunningSession
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, icon_button
from ui.components.section import KeyedList, RedrawnSection
from ui.components.spec_form import OpenedSpec
from ui.context import PanelContext
from ui.formatting import format_time_ago

_SHOWN = 50
_LOG_LINES = 100


class BotActivity:
    def __init__(self, panel: PanelContext, bot: OpenedSpec[BotSpec]) -> None:
        self._panel = panel
        self._bot = bot
        t = panel.t
        with html.div().classes("row-line telegram-line"):
            html.h2(t("telegram.conversations"))
            self._clear = ui.button(t("telegram.end_all"), on_click=self._end_all).props(
                "flat dense no-caps aria-haspopup=dialog"
            )
        html.p(t("telegram.conversations_hint")).classes("muted")
        rows = html.div().classes("telegram-sessions").props("role=list")
        rows.props["aria-label"] = t("telegram.conversations")
        self._rows: KeyedList[RunningSession] = KeyedList(rows, self._draw)
        self._note: RedrawnSection[int] = RedrawnSection(html.div(), self._draw_note)
        html.h2(t("telegram.log"))
        self._log: RedrawnSection[tuple[str, ...]] = RedrawnSection(html.div(), self._draw_log)

    async def refresh(self) -> None:
        office, bot_id = self._panel.services.office, self._bot.spec.id
        found, total = await office.bot_sessions.list(bot_id, _SHOWN)
        self._rows.show(found)
        self._note.show(total)
        self._clear.set_visibility(bool(total) and self._panel.can_change(AdminResource.BOTS))
        logs = self._panel.services.operations.logs
        self._log.show(await asyncio.to_thread(logs.tail, names.bot_process(bot_id), _LOG_LINES))

    def _draw(self, session: RunningSession) -> ui.element:
        t = self._panel.t
        name = session.display_name or session.person
        with html.div().classes("telegram-session").props("role=listitem") as row:
            with html.div():
                html.div(name).classes("telegram-person")
                html.div(f"{session.person} · {format_time_ago(session.updated_at, t)}").classes("muted")
            if self._panel.can_change(AdminResource.BOTS):
                icon_button("close", t("telegram.end_of", name=name), lambda: self._end(session.person))
        element: ui.element = row
        return element

    def _draw_note(self, total: int) -> None:
        t = self._panel.t
        if not total:
            html.p(t("telegram.no_conversations")).classes("muted")
        elif total > _SHOWN:
            html.p(t("telegram.shown_of", shown=_SHOWN, total=total)).classes("muted")

    def _draw_log(self, lines: tuple[str, ...]) -> None:
        if lines:
            log = html.pre("\n".join(lines)).classes("telegram-log").props("tabindex=0")
            log.props["aria-label"] = self._panel.t("telegram.log")
        else:
            html.p(self._panel.t("telegram.no_log")).classes("muted")

    async def _end_all(self) -> None:
        t = self._panel.t
        title, text = t("telegram.end_all_title"), t("telegram.end_all_text")
        if await ask_confirmation(self._panel.client, title, text, t("telegram.end_all"), t("common.cancel")):
            await self._end(None)

    async def _end(self, person: str | None) -> None:
        async def end() -> None:
            username = self._panel.require_change(AdminResource.BOTS)
            await self._panel.services.office.bot_sessions.end(self._bot.spec.id, person, username)

        await attempt(self._panel, end, self._panel.t("telegram.ended"))
        await self.refresh()
