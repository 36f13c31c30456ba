"""Long polling: fetches updates, hands them on in order, and knows what to do about every way it can fail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update, User
from pydantic import ValidationError

from bots.backoff import delay
from bots.status import BotState
from bots.telegram.board import Board
from bots.telegram.discretion import mask
from bots.telegram.tuning import Tuning

log = logging.getLogger(__name__)

ALLOWED_UPDATES = ["message", "edited_message"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why polling fails. ``wait_s`` None means trying again is useless."""

    state: BotState
    message: str
    wait_s: float | None


def diagnose(error: Exception, attempt: int, tuning: Tuning) -> Trouble:
    """What a failed call means for the bot; ``attempt`` counts failures in a row, from 1."""
    wait = delay(attempt, tuning.first_retry_s, tuning.longest_retry_s)
    match error:
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Trouble(BotState.REJECTED, "Telegram does not accept the token (or api_url is wrong)", None)
        case TelegramConflictError():
            return Trouble(BotState.CONFLICT, "another program receives this bot's messages with the same token", wait)
        case TelegramRetryAfter(retry_after=seconds):
            bounded = min(float(seconds), tuning.longest_poll_flood_wait_s)
            return Trouble(BotState.UNREACHABLE, f"Telegram asks to wait {seconds} s", max(wait, bounded))
        case _:
            return Trouble(BotState.UNREACHABLE, mask(f"{type(error).__name__}: {error}"), wait)


class Poller:
    """``connected`` runs once after the first successful getMe; ``deliver`` gets each update once, in order."""

    def __init__(
        self,
        bot: Bot,
        board: Board,
        tuning: Tuning,
        connected: Callable[[User], Awaitable[None]],
        deliver: Callable[[Update], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._board = board
        self._tuning = tuning
        self._connected = connected
        self._deliver = deliver
        self._me: User | None = None
        self._webhook_gone = False
        self._failures = 0
        self._offset: int | None = None

    async def run(self) -> None:
        """Polls until cancelled; returns only when the token is rejected."""
        while True:
            try:
                username = await self._prepare()
                updates = await self._fetch()
            except Exception as error:
                if not await self._recover(error):
                    return
                continue
            self._failures = 0
            self._board.running(username)
            for update in updates:
                await self._deliver(update)
                self._offset = update.update_id + 1

    async def confirm(self) -> None:
        """Tells Telegram that what was handed on is done with, so that the next start does not get it again."""
        if self._offset is not None:
            await self._bot.get_updates(offset=self._offset, limit=1, timeout=0, request_timeout=3)

    async def _prepare(self) -> str:
        """Knows who it is and that no webhook is in the way. A webhook may come back, hence again after a conflict."""
        if self._me is None:
            me = await self._bot.me()
            await self._connected(me)
            self._me = me
        if not self._webhook_gone:
            await self._bot.delete_webhook(drop_pending_updates=False)
            self._webhook_gone = True
            if not self._failures:
                self._board.running(self._me.username or "")
        return self._me.username or ""

    async def _fetch(self) -> list[Update]:
        """One getUpdates; the first one after a failure does not wait, so that recovery shows at once."""
        wait = 0 if self._failures else self._tuning.poll_s
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=wait,
                allowed_updates=ALLOWED_UPDATES,
                request_timeout=int(wait + self._tuning.request_s),
            )
        except ClientDecodeError as error:
            return self._salvage(error)

    def _salvage(self, error: ClientDecodeError) -> list[Update]:
        """The readable ones of a batch in which some update has a shape this library does not know.

        Without this one such update would come again for ever and block all others. Raises the error when the reply is
        no batch of updates at all.
        """
        batch = error.data.get("result") if isinstance(error.data, Mapping) else None
        if not isinstance(batch, list):
            raise error
        updates = [update for raw in batch if (update := self._read(raw)) is not None]
        ids = [raw["update_id"] for raw in batch if isinstance(raw, Mapping) and isinstance(raw.get("update_id"), int)]
        if not updates and ids:
            self._offset = max(ids) + 1
        return updates

    def _read(self, raw: Any) -> Update | None:
        try:
            return Update.model_validate(raw, context={"bot": self._bot})
        except ValidationError:
            log.warning("skipped an update of unknown shape")
            return None

    async def _recover(self, error: Exception) -> bool:
        """Waits as the failure demands; False when there is nothing to wait for."""
        self._failures += 1
        trouble = diagnose(error, self._failures, self._tuning)
        self._board.trouble(trouble.state, trouble.message)
        log.warning("polling: %s: %s", trouble.state.value, trouble.message)
        if trouble.wait_s is None:
            return False
        if trouble.state is BotState.CONFLICT:
            self._webhook_gone = False
        await asyncio.sleep(trouble.wait_s)
        return True
