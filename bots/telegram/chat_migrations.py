"""Groups that became supergroups: Telegram gives them a new id, and refuses the old one."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.methods import TelegramMethod
from aiogram.types import Message

from deployments.contracts.errors import SecretaryError

log = logging.getLogger(__name__)


class ChatMigrations:
    """``store`` is awaited once for each group with its old and its new id; its failure is only logged."""

    def __init__(self, store: Callable[[str, str], Awaitable[None]]) -> None:
        self._store = store
        self._known: dict[int, int] = {}

    async def note(self, message: Message) -> None:
        """Notes the service messages that announce a new id, in the old or in the new chat."""
        if message.migrate_to_chat_id is not None:
            await self.moved(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self.moved(message.migrate_from_chat_id, message.chat.id)

    async def moved(self, chat_id: object, to: int) -> None:
        """The chat ``chat_id`` has the id ``to`` now."""
        if not isinstance(chat_id, int) or chat_id == to or self._known.get(chat_id) == to:
            return
        self._known[chat_id] = to
        try:
            await self._store(str(chat_id), str(to))
        except SecretaryError as error:
            log.warning("conversations of a group were not moved to its new id: %s", error.code)

    def follow(self, method: TelegramMethod[Any]) -> TelegramMethod[Any]:
        """``method`` for the new id of its chat; the same object when the chat has not moved."""
        chat_id = getattr(method, "chat_id", None)
        to = self._known.get(chat_id) if isinstance(chat_id, int) else None
        return method if to is None else method.model_copy(update={"chat_id": to})
