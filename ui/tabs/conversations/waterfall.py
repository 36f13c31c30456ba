"""The times of one turn as a waterfall: from the question that was heard to the end of the answer."""

from dataclasses import dataclass

from nicegui import html

from deployments.contracts.exchange import Exchange
from ui.formatting import format_duration
from ui.translations import Translator


@dataclass(frozen=True, slots=True)
class WaterfallStage:
    """A stage from ``start_ms`` to ``end_ms`` since the question was heard. ``name`` is a key of a translation."""

    name: str
    start_ms: float
    end_ms: float


def waterfall_stages(exchange: Exchange) -> tuple[WaterfallStage, ...]:
    """The measured stages in the order of time; each starts where the one before it ends. Empty when only the total is
    known."""
    marks = (
        ("turns.stage_faq", exchange.faq_ms),
        ("turns.stage_first_word", exchange.first_token_ms),
        ("turns.stage_first_sentence", exchange.first_sentence_ms),
        ("turns.stage_first_sound", exchange.first_audio_ms),
    )
    measured = sorted(((ms, name) for name, ms in marks if ms is not None), key=lambda mark: mark[0])
    if not measured:
        return ()
    stages, before = [], 0.0
    for ms, name in (*measured, (max(exchange.total_ms, measured[-1][0]), "turns.stage_end")):
        stages.append(WaterfallStage(name, before, ms))
        before = ms
    return tuple(stages)


def draw_waterfall(exchange: Exchange, t: Translator) -> None:
    """A row for each stage. The numbers are texts; the bars repeat them for the eye."""
    stages = waterfall_stages(exchange)
    if not stages:
        html.p(t("turns.no_times", time=format_duration(exchange.total_ms, t))).classes("turn-note")
        return
    whole = stages[-1].end_ms or 1.0
    with html.dl().classes("waterfall"):
        for stage in stages:
            left, width = 100 * stage.start_ms / whole, 100 * (stage.end_ms - stage.start_ms) / whole
            with html.div().classes("waterfall-row"):
                html.dt(t(stage.name))
                with html.dd():
                    with html.span().classes("waterfall-track").props("aria-hidden=true"):
                        html.span().classes("waterfall-bar").style(f"left: {left:.2f}%; width: {max(width, 0.6):.2f}%")
                    html.span(format_duration(stage.end_ms, t)).classes("waterfall-time")
