"""The graphics cards: memory, load, temperature, power and the processes on them."""

from nicegui import html

from deployments.administration.monitoring.gpu import Gpu
from ui.components.page_parts import fact
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_number
from ui.tabs.monitoring.meters import Meter, draw_meter
from ui.translations import Translator


def draw_cards(panel: PanelContext, cards: tuple[Gpu, ...], reason: str) -> None:
    """``reason``: why no card answers."""
    t = panel.t
    if not cards:
        draw_empty_state("developer_board_off", t("monitoring.no_gpu"), t("monitoring.no_gpu_hint"))
        if reason:
            html.p(t("monitoring.gpu_reason", reason=reason)).classes("monitoring-reason muted")
        return
    with html.div().classes("monitoring-gpus"):
        for card in cards:
            with html.div().classes("monitoring-gpu") as element:
                _draw_card(card, t)
            element.props["data-gpu"] = card.id


def _draw_card(card: Gpu, t: Translator) -> None:
    html.h3(card.name or t("monitoring.card", number=card.id + 1))
    if card.reason is not None:
        html.p(t("monitoring.gpu_reason", reason=card.reason)).classes("monitoring-reason")
        return
    if card.total_memory_gb and card.used_gb is not None:
        used, total = format_number(card.used_gb, 1, t), format_number(card.total_memory_gb, 1, t)
        text = t("monitoring.of_gb", used=used, total=total)
        draw_meter(Meter(t("monitoring.gpu_memory"), 100 * card.used_gb / card.total_memory_gb, text))
    if card.utilization_percent is not None:
        text = t("monitoring.percent", value=card.utilization_percent)
        draw_meter(Meter(t("monitoring.gpu_load"), card.utilization_percent, text, alarms=False))
    with html.dl().classes("monitoring-facts"):
        if card.temperature_c is not None:
            fact(t("monitoring.temperature"), t("monitoring.celsius", value=card.temperature_c))
        if card.power_w is not None:
            fact(t("monitoring.power"), t("monitoring.watts", value=round(card.power_w)))
    if card.processes:
        with html.ul().classes("monitoring-errors"):
            for process in card.processes:
                with html.li():
                    key = f"monitoring.process.{process.name}"
                    html.span(t(key) if t.has(key) else process.name).classes("monitoring-process")
                    if process.memory_gb is not None:
                        html.span(t("services.gb", value=format_number(process.memory_gb, 1, t))).classes("muted")
