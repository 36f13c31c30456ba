"""A Telegram bot, from its token to the first answer."""

from nicegui import html, ui

from deployments.contracts.instances import BotSpec
from ui.tabs.start.step import StepContext
from ui.tabs.start.telegram_proof import TelegramProof
from ui.tabs.telegram.creation_form import BotCreationForm


async def draw(step: StepContext) -> None:
    """``bot`` in the address is the bot that is shown, "new" the form of another one."""
    content = html.div().classes("start-stack")
    opened = step.url.get("bot")
    bots = await step.panel.services.office.bots.list()
    bot = next((each for each in bots if each.id == opened), bots[0] if bots else None)
    if bot is None or opened == "new":
        _draw_form(step, content)
    else:
        await _draw_bot(step, content, bot)


def _draw_form(step: StepContext, content: html.div) -> None:
    t = step.panel.t

    async def created(spec: BotSpec) -> None:
        step.url.set(bot=spec.id)
        await _draw_bot(step, content, spec)

    content.clear()
    with content:
        with html.ol().classes("start-how"):
            for text in ("start.telegram_how_1", "start.telegram_how_2", "start.telegram_how_3"):
                html.li(t(text))
        with html.div().classes("telegram-form"):
            form = BotCreationForm(step.panel, created, "start.only_me", with_name=False)
            with html.div().classes("start-actions"):
                form.draw_buttons()


async def _draw_bot(step: StepContext, content: html.div, spec: BotSpec) -> None:
    def another() -> None:
        step.url.set(bot="new")
        _draw_form(step, content)

    content.clear()
    with content:
        proof = TelegramProof(step, spec.id)
        button = ui.button(step.panel.t("start.another_bot"), icon="add", on_click=another)
        button.props("flat dense no-caps")
        await proof.refresh()
