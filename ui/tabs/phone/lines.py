"""The phone lines now, and how they spoke in the last hour."""

from nicegui import html

from deployments.administration.monitoring.phone_lines import PhoneLinesReport
from ui.components.page_parts import card, fact, pill
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_duration

SLOW_MS = 1_500


class PhoneLines:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        with card(panel.t("phone.lines_title"), panel.t("phone.lines_note")):
            self._section: RedrawnSection[PhoneLinesReport] = RedrawnSection(html.div(), self._draw)

    def refresh(self) -> None:
        self._section.show(self._panel.services.reports.phone_lines())

    def _draw(self, report: PhoneLinesReport) -> None:
        t = self._panel.t
        if not report.doors:
            draw_empty_state("phone_disabled", t("phone.no_door"), t("phone.no_door_hint"))
            return
        with html.dl().classes("facts phone-facts"):
            fact(t("phone.open_lines"), str(report.open_lines))
            fact(t("phone.speaking"), str(report.speaking))
            fact(t("phone.texts"), str(report.texts))
            if report.p50_ms is not None and report.p95_ms is not None:
                fact(t("phone.first_sound"), format_duration(report.p50_ms, t))
                fact(t("phone.first_sound_slow"), format_duration(report.p95_ms, t))
            fact(t("phone.underruns"), str(report.underruns))
        with html.div().classes("row-line"):
            self._draw_verdict(report)

    def _draw_verdict(self, report: PhoneLinesReport) -> None:
        t = self._panel.t
        if not report.texts:
            pill(t("phone.quiet"))
        elif report.underruns:
            pill(t.count("phone.gaps", report.underruns), "warn")
        elif (report.p95_ms or 0) > SLOW_MS:
            pill(t("phone.slow"), "warn")
        else:
            pill(t("phone.smooth"), "good")
        if report.underruns_avoided:
            pill(t.count("phone.rescued", report.underruns_avoided))
