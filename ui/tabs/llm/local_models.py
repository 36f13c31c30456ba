"""The local models: what each is doing, and what can be done with it."""

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.components.language_notice import LanguageNotice
from ui.components.page_parts import read_only_note
from ui.components.section import draw_empty_state, draw_skeleton
from ui.context import PanelContext
from ui.tabs.llm.local_card import LocalCard
from ui.tabs.llm.local_state import read_local_states


class LocalSection:
    """A card for each local model, and what no model speaks. ``with_services``: the cards start and stop it too."""

    def __init__(self, panel: PanelContext, *, with_services: bool = True) -> None:
        self._panel = panel
        self._with_services = with_services
        self._cards: dict[str, LocalCard] = {}
        read_only_note(panel, AdminResource.LOCAL_MODELS)
        self._notice = LanguageNotice(panel)
        self._container = html.div().classes("llm-cards")
        with self._container:
            self._skeleton = html.div().classes("card")
            with self._skeleton:
                draw_skeleton(5)

    async def refresh(self) -> None:
        try:
            states = await read_local_states(self._panel)
            await self._notice.refresh()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        if self._container.is_deleted:
            return
        if {state.view.service for state in states} != self._cards.keys() or not states:
            self._container.clear()
            with self._container:
                self._cards = {state.view.service: self._card() for state in states}
                if not states:
                    t = self._panel.t
                    draw_empty_state("memory", t("llm.no_local"), t("llm.no_local_hint"))
        for state in states:
            self._cards[state.view.service].show(state)

    def _card(self) -> LocalCard:
        return LocalCard(self._panel, self.refresh, with_services=self._with_services)
