"""Action buttons: a pressed one puts the person into its mode, ``main_menu`` leads back."""

from aiogram import Bot, F, Router
from aiogram.types import Message, User

from bots.telegram.addressing import question
from bots.telegram.courier import send_text
from bots.telegram.keyboard import keyboard, pressed
from bots.telegram.phrases import phrases
from bots.telegram.responder import Responder
from deployments.contracts.instances import MAIN_MENU, ActionButton, BotSpec


def router() -> Router:
    found = Router(name="modes")
    found.message.register(switch, F.text, _press)
    return found


async def _press(message: Message, me: User, spec: BotSpec) -> bool | dict[str, ActionButton]:
    """A filter: hands the button on that was pressed."""
    button = pressed(spec, question(message, me))
    return {"button": button} if button is not None else False


async def switch(message: Message, bot: Bot, spec: BotSpec, responder: Responder, button: ActionButton) -> None:
    texts = phrases(spec.language)
    if button.id == MAIN_MENU:
        await responder.switch(message, "")
        told = texts.mode_ended
    else:
        await responder.switch(message, button.id)
        told = texts.mode_begun.replace("{mode}", button.label)
    await send_text(bot, message, told, keyboard(spec, message))
