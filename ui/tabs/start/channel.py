"""The first channel: Telegram, the widget of a website or the phone, each with a proof on the spot."""

from ui.tabs.start import phone, telegram, widget
from ui.tabs.start.choices import Choice, draw_choices
from ui.tabs.start.step import StepContext


async def draw(step: StepContext) -> None:
    t = step.panel.t
    choices = {
        "telegram": Choice(t("nav.telegram"), "send", telegram.draw),
        "widget": Choice(t("nav.widget"), "web", widget.draw),
        "phone": Choice(t("nav.phone"), "call", phone.draw),
    }
    await draw_choices(step, "channel", t("start.channels"), choices)
