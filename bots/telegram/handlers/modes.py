"""Action buttons: a pressed one puts the person into its mode, ``main_menu`` leads back."""

from aiogram import Bot, F, Router
from aiogram.types import Message, User

from bots.telegram.addressing import question_text
from bots.telegram.bot_texts import bot_texts
from bots.telegram.keyboard import build_keyboard, pressed_button
from bots.telegram.outgoing import send_text
from bots.telegram.responder import BotResponder
from deployments.contracts.instances import MAIN_MENU, ActionButton, BotSpec


def router() -> Router:
    found = Router(name="modes")
    found.message.register(switch_mode, F.text, _press)
    return found


async def _press(message: Message, me: User, spec: BotSpec) -> bool | dict[str, ActionButton]:
    """A filter: hands the button on that was pressed."""
    button = pressed_button(spec, question_text(message, me))
    return {"button": button} if button is not None else False


async def switch_mode(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder, button: ActionButton) -> None:
    texts = bot_texts(spec.language)
    if button.id == MAIN_MENU:
        await responder.switch_mode(message, "")
        told = texts.mode_ended
    else:
        await responder.switch_mode(message, button.id)
        told = texts.mode_started.replace("{mode}", button.label)
    await send_text(bot, message, told, build_keyboard(spec, message))
