"""The page of one bot: its state and actions, and its parts as tabs."""

from typing import Self

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.bots.proxy_rights import require_proxy_rights
from deployments.contracts.errors import NotFound, SecretaryError
from deployments.contracts.instances import BotSpec
from ui.components.answer_choices import AnswerChoices, read_answer_choices
from ui.components.confirmation_dialog import ask_typed_confirmation
from ui.components.page_parts import attempt, icon_button
from ui.components.progress_line import ProgressLine
from ui.components.section import RedrawnSection
from ui.components.spec_form import OpenedSpec
from ui.context import PanelContext
from ui.tabs.telegram.bot_activity import BotActivity
from ui.tabs.telegram.bot_forms import draw_access, draw_answers, draw_texts
from ui.tabs.telegram.bot_state import BotState, draw_advice, draw_state, status_reader
from ui.tabs.telegram.connection import draw_connection
from ui.tabs.telegram.keyboard_editor import draw_keyboard
from ui.url_state import UrlState

_PARTS = {
    "activity": "telegram.part_activity",
    "texts": "telegram.part_texts",
    "access": "telegram.part_access",
    "keyboard": "telegram.part_keyboard",
    "answers": "telegram.part_answers",
    "connection": "telegram.part_connection",
}
_MOVING = ("starting", "restarting")


class BotPage:
    def __init__(self, panel: PanelContext, spec: BotSpec, choices: AnswerChoices) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        self._bot = OpenedSpec(
            panel, AdminResource.BOTS, panel.services.office.bots, spec, self._changed, require_proxy_rights
        )
        self._enabled = spec.enabled
        t = panel.t
        html.a(t("telegram.all_bots"), href=f"{panel.root_path}/telegram").classes("text-link telegram-back")
        with html.div().classes("page-head"):
            with html.h1():
                self._title = ui.label(spec.name)
            self._actions: RedrawnSection[bool] = RedrawnSection(html.div().classes("page-actions"), self._draw_actions)
        with html.section().classes("card telegram-state"):
            self._state: RedrawnSection[BotState] = RedrawnSection(html.div().classes("rows"), self._draw_state)
            self._progress = ProgressLine(panel)
        part = self._url.get("part", "activity")
        part = part if part in _PARTS else "activity"
        tabs = ui.tabs(on_change=lambda e: self._url.set(part=e.value if e.value != "activity" else None))
        with tabs.props("dense no-caps align=left outside-arrows mobile-arrows").classes("telegram-tabs"):
            for name, text in _PARTS.items():
                ui.tab(name, t(text))
        self._activity: BotActivity
        with ui.tab_panels(tabs, value=part, animated=False).props("keep-alive").classes("telegram-panels card"):
            with ui.tab_panel("activity"):
                self._activity = BotActivity(panel, self._bot)
            with ui.tab_panel("texts"):
                draw_texts(panel, self._bot)
            with ui.tab_panel("access"):
                draw_access(panel, self._bot)
            with ui.tab_panel("keyboard"):
                draw_keyboard(panel, self._bot, choices)
            with ui.tab_panel("answers"):
                draw_answers(panel, self._bot, choices)
            with ui.tab_panel("connection"):
                draw_connection(panel, self._bot)

    @classmethod
    async def open(cls, panel: PanelContext, bot_id: str) -> Self:
        """Raises NotFound."""
        panel.require_read(AdminResource.BOTS)
        spec = await panel.services.office.bots.get(bot_id)
        page = cls(panel, spec, await read_answer_choices(panel))
        await page.refresh()
        return page

    async def refresh(self) -> None:
        """Live state, conversations and log. The forms keep what is typed."""
        try:
            self._panel.require_read(AdminResource.BOTS)
            spec = await self._panel.services.office.bots.get(self._bot.spec.id)
            (status,) = await status_reader(self._panel).statuses((spec,))
            await self._activity.refresh()
        except NotFound:
            with self._panel.client:
                ui.navigate.to("/telegram")
            return
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._enabled = spec.enabled
        self._title.text = spec.name
        state = BotState.of(status)
        self._actions.show(spec.enabled)
        self._state.show(state)
        if spec.enabled and (state.state in _MOVING or status.current is False):
            self._progress.show(self._panel.t("telegram.progress"), None)
        else:
            self._progress.hide()

    async def _changed(self, spec: BotSpec) -> None:
        await self.refresh()

    def _draw_state(self, state: BotState) -> None:
        t = self._panel.t
        draw_state(self._panel, state)
        draw_advice(self._panel, state)
        parts = [t.count("telegram.messages", state.updates), t.count("telegram.running_conversations", state.sessions)]
        if state.failures:
            parts.append(t.count("telegram.failures", state.failures))
        if state.restarts:
            parts.append(t.count("telegram.restarts", state.restarts))
        html.p(" · ".join(parts)).classes("muted")

    def _draw_actions(self, enabled: bool) -> None:
        t = self._panel.t
        if not self._panel.can_change(AdminResource.BOTS):
            return
        if enabled:
            ui.button(t("telegram.restart"), icon="restart_alt", on_click=self._restart).props("outline no-caps")
            ui.button(t("telegram.stop"), icon="stop", on_click=lambda: self._switch(on=False)).props("outline no-caps")
        else:
            start = ui.button(t("telegram.start"), icon="play_arrow", on_click=lambda: self._switch(on=True))
            start.props("unelevated no-caps")
        icon_button("delete_outline", t("telegram.delete"), self._delete).props("aria-haspopup=dialog")

    async def _switch(self, *, on: bool) -> None:
        async def change() -> None:
            await self._bot.read()
            await self._bot.change({"enabled": on})

        await attempt(self._panel, change)

    async def _restart(self) -> None:
        async def restart() -> None:
            username = self._panel.require_change(AdminResource.BOTS)
            self._bot.spec = await self._panel.services.office.bots.restart(self._bot.spec.id, username)

        await attempt(self._panel, restart)
        await self.refresh()

    async def _delete(self) -> None:
        panel, t, name = self._panel, self._panel.t, self._bot.spec.name
        title, text = t("telegram.delete_title", name=name), t("telegram.delete_text")
        if not await ask_typed_confirmation(panel, title, text, name, t("telegram.delete")):
            return

        async def delete() -> None:
            username = panel.require_change(AdminResource.BOTS)
            await panel.services.office.bots.delete(self._bot.spec.id, username)

        if await attempt(panel, delete, t("telegram.deleted")):
            with panel.client:
                ui.navigate.to("/telegram")
