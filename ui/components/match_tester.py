"""Matches a phrase to the FAQ and shows what each stage of the search considered, with scores and refusals."""

from nicegui import html, ui

from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import AnswerMatch
from deployments.contracts.match_report import MatchReport, StageCandidate, StageReport
from ui.components.panel_answer import rule_text
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_number


class MatchTester:
    """A card with one input and the result below it."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with html.section().classes("card tester"):
            html.h2(t("tester.title")).classes("tester-title")
            with html.div().classes("tester-line"):
                self._phrase = TextInput(placeholder=t("tester.placeholder")).props(
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

    def _draw(self, report: MatchReport) -> None:
        t = self._panel.t
        found = report.match is not None
        with html.div().classes("verdict-line verdict-yes" if found else "verdict-line verdict-no"):
            ui.icon("check_circle" if found else "forward").props("aria-hidden=true")
            html.span(t("tester.answers") if found else t("tester.no_match"))
        for stage in report.stages:
            self._draw_stage(stage, report.match)

    def _draw_stage(self, stage: StageReport, answer: AnswerMatch | None) -> None:
        t = self._panel.t
        with html.section().classes("stage").props(f"data-stage={stage.stage}"):
            with html.div().classes("stage-head"):
                html.h3(t(_STAGE_TEXTS[stage.stage]))
                if stage.threshold:
                    needs = {name: format_number(getattr(stage, name), 0, t) for name in ("threshold", "margin")}
                    html.span(t("tester.needs", **needs)).classes("verdict-note")
            if not stage.candidates:
                html.div(t(_STATE_TEXTS[stage.state])).classes("verdict-note")
            for candidate in stage.candidates:
                self._draw_candidate(candidate, answer)

    def _draw_candidate(self, candidate: StageCandidate, answer: AnswerMatch | None) -> None:
        t, match = self._panel.t, candidate.match
        with html.div().classes("match").props(f"data-entry={match.entry_id}"):
            with html.div().classes("match-head"):
                html.span(t("tester.entry", id=match.entry_id)).classes("tag")
                html.span(rule_text(match.rule, t)).classes("match-rule")
                html.span(t("tester.trigger", trigger=match.trigger)).classes("match-trigger")
                html.span(format_number(match.score, 0, t)).classes("match-score")
            with html.div().classes("meter").props('aria-hidden="true"'):
                html.div().style(f"width: {max(0.0, min(100.0, match.score)):.0f}%")
            with html.div().classes("chips"):
                for refusal in candidate.refusals:
                    html.span(t(_REFUSAL_TEXTS[refusal])).classes("tag")
                if not candidate.refusals and match != answer:
                    html.span(t("tester.earlier")).classes("tag")
            if match == answer:
                html.p(match.text).classes("match-text")


_STAGE_TEXTS = {"exact": "tester.stage.exact", "ranked": "tester.stage.ranked", "meaning": "tester.stage.meaning"}
_STATE_TEXTS = {
    "": "tester.state.none",
    "disabled": "tester.state.disabled",
    "unavailable": "tester.state.unavailable",
    "length": "tester.state.length",
}
_REFUSAL_TEXTS = {
    "threshold": "tester.refused.threshold",
    "margin": "tester.refused.margin",
    "nearer": "tester.refused.nearer",
    "negation": "tester.refused.negation",
    "subject": "tester.refused.subject",
    "language": "tester.refused.language",
}
