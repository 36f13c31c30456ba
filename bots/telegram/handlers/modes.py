"""Action buttons. A pressed button switches the conversation to its mode; ``main_menu`` ends the mode."""

from aiogram import Bot, F, Router
from aiogram.types import Message, User

from bots.telegram.addressing import question_text
from bots.telegram.keyboard import build_keyboard, pressed_button
from bots.telegram.outgoing import send_text
from bots.telegram.responder import BotResponder
from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.instances import MAIN_MENU, ActionButton, BotSpec


def build_router() -> Router:
    router = Router(name="modes")
    router.message.register(switch_mode, F.text, _filter_pressed_button)
    return router


async def _filter_pressed_button(message: Message, me: User, spec: BotSpec) -> bool | dict[str, ActionButton]:
    """A filter for messages that are the caption of a button. Passes the button to the handler."""
    button = pressed_button(spec, question_text(message, me))
    return {"button": button} if button is not None else False


async def switch_mode(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder, button: ActionButton) -> None:
    texts = bot_texts(spec.language)
    if button.id == MAIN_MENU:
        await responder.switch_mode(message, "")
        text = texts.mode_ended
    else:
        await responder.switch_mode(message, button.id)
        text = texts.mode_started.replace("{mode}", button.label)
    await send_text(bot, message, text, build_keyboard(spec, message))
