"""Says which languages have no model, and what to do."""

from nicegui import html

from deployments.conversation.language_gaps import LanguageGap
from ui.components.command_copy import draw_command
from ui.components.section import RedrawnSection
from ui.context import PanelContext

_TITLES = {"ru": "language.no_russian_model", "en": "language.no_english_model"}


class LanguageNotice:
    """Drawn in the current slot; empty without gaps."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._section: RedrawnSection[tuple[LanguageGap, ...]] = RedrawnSection(html.div(), self._draw)

    async def refresh(self) -> None:
        self._section.show((await self._panel.overview.get()).language_gaps)

    def _draw(self, gaps: tuple[LanguageGap, ...]) -> None:
        t = self._panel.t
        for gap in gaps:
            with html.div().classes("notice language-notice").props("role=note"):
                html.strong(t(_TITLES.get(gap.language, "language.no_model"), language=gap.language))
                html.span(t("language.fallback"))
                if gap.remedy:
                    draw_command(self._panel, gap.remedy)
                    html.span(t("language.next", model=gap.reference))
