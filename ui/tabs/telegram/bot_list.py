"""The bots as cards with their live state."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import curl_line, page_heading, read_only_note
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.tabs.telegram.bot_state import BotState, draw_advice, draw_state, status_reader
from ui.tabs.telegram.creation import CreationDialog


@dataclass(frozen=True, slots=True)
class BotCardView:
    id: str
    name: str
    description: str
    everyone: bool
    people: int
    state: BotState


class BotList:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with page_heading(t("telegram.title"), t("telegram.lead")):
            if panel.can_change(AdminResource.BOTS):
                create = CreationDialog(panel)
                ui.button(t("telegram.add"), icon="add", on_click=create.open).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        read_only_note(panel, AdminResource.BOTS)
        cards = html.div().classes("cards").props(f'role=list aria-label="{t("telegram.title")}"')
        self._cards: KeyedList[BotCardView] = KeyedList(cards, self._draw)
        self._note: RedrawnSection[bool] = RedrawnSection(html.div(), self._draw_note)
        curl_line(panel, "GET", "/telegram/instances")

    @classmethod
    async def open(cls, panel: PanelContext) -> Self:
        found = cls(panel)
        await found.refresh()
        return found

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.BOTS)
            bots = await self._panel.services.office.bots.list()
            statuses = await status_reader(self._panel).statuses(bots)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        views = [
            BotCardView(
                id=bot.id,
                name=bot.name,
                description=bot.description,
                everyone=bot.access == "everyone",
                people=len({*bot.allowed_users, *bot.admin_users}),
                state=BotState.of(status),
            )
            for bot, status in zip(bots, statuses, strict=True)
        ]
        self._cards.show(views)
        self._note.show(not views)

    def _draw(self, view: BotCardView) -> ui.element:
        t = self._panel.t
        with html.article().classes("card telegram-card").props("role=listitem") as article:
            with html.h2():
                link = html.a(view.name).classes("telegram-open")
                link.props["href"] = f"{self._panel.root_path}/telegram?bot={quote(view.id)}"
            draw_state(self._panel, view.state)
            if view.description:
                html.p(view.description).classes("muted telegram-description")
            people = t("telegram.for_everyone") if view.everyone else t.count("telegram.for_people", view.people)
            html.p(f"{people} · {t.count('telegram.running_conversations', view.state.sessions)}").classes("muted")
            draw_advice(self._panel, view.state)
        article.props["data-bot"] = view.id
        element: ui.element = article
        return element

    def _draw_note(self, empty: bool) -> None:
        if empty:
            draw_empty_state("send", self._panel.t("telegram.empty"), self._panel.t("telegram.empty_hint"))
