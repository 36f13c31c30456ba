"""The keyboard below the input field: a bot's action buttons, two in a row. A client sends the caption of a pressed one
as an ordinary message (https://core.telegram.org/bots/api#replykeyboardmarkup)."""

from aiogram.enums import ChatType
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove

from deployments.contracts.instances import ActionButton, BotSpec

_IN_A_ROW = 2

ReplyKeyboard = ReplyKeyboardMarkup | ReplyKeyboardRemove


def build_keyboard(spec: BotSpec, to: Message) -> ReplyKeyboard:
    """The bot's buttons; without any, the order to take a keyboard of old away. In a group only the person who is
    answered sees it."""
    selective = to.chat.type != ChatType.PRIVATE or None
    buttons = [KeyboardButton(text=button.caption) for button in spec.buttons]
    if not buttons:
        return ReplyKeyboardRemove(remove_keyboard=True, selective=selective)
    rows = [buttons[first : first + _IN_A_ROW] for first in range(0, len(buttons), _IN_A_ROW)]
    return ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, is_persistent=True, selective=selective)


def pressed_button(spec: BotSpec, text: str) -> ActionButton | None:
    """The button whose caption ``text`` is."""
    return next((button for button in spec.buttons if button.caption == text), None)
