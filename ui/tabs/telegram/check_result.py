"""What the check of a token found, in words, with what to do."""

from nicegui import html, ui

from deployments.administration.bots.token_check import BotTokenCheck
from ui.context import PanelContext

_TEXTS = {
    "ok": "telegram.check_ok",
    "wrong_token": "telegram.check_wrong_token",
    "webhook": "telegram.check_webhook",
    "polled_elsewhere": "telegram.check_polled",
    "used_here": "telegram.check_used_here",
    "unreachable": "telegram.check_unreachable",
    "not_telegram": "telegram.check_not_telegram",
}


def draw_check_result(panel: PanelContext, result: BotTokenCheck) -> None:
    good = result.outcome == "ok"
    tone = "good" if good else "bad"
    with (
        html.div().classes(f"telegram-check telegram-check-{tone}").props(f"role=status data-outcome={result.outcome}")
    ):
        ui.icon("check_circle" if good else "error").props("aria-hidden=true")
        with html.div():
            if result.username:
                html.strong(f"{result.name} (@{result.username})")
            html.div(panel.t(_TEXTS[result.outcome], used_by=result.used_by))
            if result.error:
                html.code(result.error)
