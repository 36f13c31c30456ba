"""The result of checking a recording of a voice, as a list with numbers."""

from collections.abc import Sequence

from nicegui import html, ui

from deployments.administration.speech.voice_samples import SampleCheck, SampleFinding
from ui.formatting import format_number
from ui.translations import Translator

_TEXTS: dict[SampleCheck, tuple[str, str, int]] = {
    "length": ("voices.check_length", "voices.unit_seconds", 1),
    "rate": ("voices.check_rate", "voices.unit_hz", 0),
    "level": ("voices.check_level", "voices.unit_db", 0),
    "voice": ("voices.check_voice", "voices.unit_seconds", 1),
    "clipping": ("voices.check_clipping", "voices.unit_percent", 2),
    "noise": ("voices.check_noise", "voices.unit_db", 0),
    "speakers": ("voices.check_speakers", "voices.unit_semitones", 0),
    "person": ("voices.check_person", "voices.unit_semitones", 0),
}
"""Check -> key of its name, key of its unit, decimal digits."""
_HINTS: dict[SampleCheck, str] = {
    "length": "voices.hint_length",
    "rate": "voices.hint_rate",
    "level": "voices.hint_level",
    "voice": "voices.hint_voice",
    "clipping": "voices.hint_clipping",
    "noise": "voices.hint_noise",
    "speakers": "voices.hint_speakers",
    "person": "voices.hint_person",
}
_AT_MOST = frozenset(("clipping", "speakers", "person"))


def draw_checks(findings: Sequence[SampleFinding], t: Translator) -> None:
    with html.ul().classes("sample-checks"):
        for finding in findings:
            name, unit, digits = _TEXTS[finding.check]
            passed = not finding.problem
            with html.li().classes("check-passed" if passed else "check-failed"):
                ui.icon("check_circle" if passed else "error").props("aria-hidden=true")
                html.span(t("voices.check_passed" if passed else "voices.check_failed")).classes("visually-hidden")
                html.span(t(name))
                html.span(_value(finding, unit, digits, t)).classes("check-value")
                if not passed:
                    html.span(t(_HINTS[finding.check])).classes("muted")


def _value(finding: SampleFinding, unit: str, digits: int, t: Translator) -> str:
    factor = 100 if finding.check == "clipping" else 1
    measured = t(unit, value=format_number(finding.measured * factor, digits, t))
    bound = t(unit, value=format_number(finding.bound * factor, digits, t))
    return t("voices.at_most" if finding.check in _AT_MOST else "voices.at_least", measured=measured, bound=bound)
