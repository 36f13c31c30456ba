"""The reply keyboard with a bot's action buttons, two in a row. A client sends the caption of a pressed button as an
ordinary message (https://core.telegram.org/bots/api#replykeyboardmarkup)."""

from aiogram.enums import ChatType
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove

from deployments.contracts.instances import ActionButton, BotSpec

_BUTTONS_PER_ROW = 2

ReplyKeyboard = ReplyKeyboardMarkup | ReplyKeyboardRemove


def build_keyboard(spec: BotSpec, to: Message) -> ReplyKeyboard:
    """The keyboard with the bot's buttons. Without buttons it removes a keyboard that was sent earlier. In a group only
    the sender of ``to`` sees it."""
    selective = to.chat.type != ChatType.PRIVATE or None
    buttons = [KeyboardButton(text=button.caption) for button in spec.buttons]
    if not buttons:
        return ReplyKeyboardRemove(remove_keyboard=True, selective=selective)
    rows = [buttons[first : first + _BUTTONS_PER_ROW] for first in range(0, len(buttons), _BUTTONS_PER_ROW)]
    return ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, is_persistent=True, selective=selective)


def pressed_button(spec: BotSpec, text: str) -> ActionButton | None:
    """The button with the caption ``text``."""
    return next((button for button in spec.buttons if button.caption == text), None)
