"""Matches a phrase to the FAQ and shows the matching entry with rule and score, or the closest entries."""

from nicegui import html, ui

from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import AnswerMatch
from ui.components.panel_answer import rule_text
from ui.context import PanelContext
from ui.formatting import format_number
from ui.panel_services import PhraseMatchReport

MAX_CANDIDATES = 5


class MatchTester:
    """A card with one input and the result below it."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with html.section().classes("card tester"):
            html.h2(t("tester.title")).classes("tester-title")
            with html.div().classes("tester-line"):
                self._phrase = ui.input(placeholder=t("tester.placeholder")).props(
                    "outlined dense clearable maxlength=500"
                )
                self._phrase.classes("tester-input").on("keydown.enter", self._try)
                self._phrase.props["aria-label"] = t("tester.title")
                ui.button(t("tester.try"), on_click=self._try).props("outline no-caps").classes("tester-button")
            self._result = html.div().classes("verdict").props('aria-live="polite"')

    async def _try(self) -> None:
        phrase = str(self._phrase.value or "").strip()
        self._result.clear()
        if not phrase:
            return
        try:
            report = await self._panel.faq.try_phrase(phrase)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        with self._result:
            self._draw(report)

    def _draw(self, report: PhraseMatchReport) -> None:
        t = self._panel.t
        if report.match is not None:
            with html.div().classes("verdict-line verdict-yes"):
                ui.icon("check_circle").props("aria-hidden=true")
                html.span(t("tester.answers"))
            self._draw_match(report.match)
            return
        with html.div().classes("verdict-line verdict-no"):
            ui.icon("forward").props("aria-hidden=true")
            html.span(t("tester.no_match"))
        if report.candidates:
            html.div(t("tester.nearest")).classes("verdict-note")
        for candidate in report.candidates[:MAX_CANDIDATES]:
            self._draw_match(candidate)

    def _draw_match(self, match: AnswerMatch) -> None:
        t = self._panel.t
        with html.div().classes("match").props(f"data-entry={match.entry_id}"):
            with html.div().classes("match-head"):
                html.span(t("tester.entry", id=match.entry_id)).classes("tag")
                html.span(rule_text(match.rule, t)).classes("match-rule")
                html.span(t("tester.trigger", trigger=match.trigger)).classes("match-trigger")
                html.span(format_number(match.score, 0, t)).classes("match-score")
            meter = html.div().classes("meter").props('aria-hidden="true"')
            with meter:
                html.div().style(f"width: {max(0.0, min(100.0, match.score)):.0f}%")
            html.p(match.text).classes("match-text")
