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

from bots.backoff import backoff_delay_s
from bots.bot_status import BotState
from bots.telegram.bot_limits import BotLimits
from bots.telegram.status_recorder import StatusRecorder
from bots.telegram.token_redaction import redact_tokens

log = logging.getLogger(__name__)

ALLOWED_UPDATES = ["message", "edited_message"]


@dataclass(frozen=True, slots=True)
class PollingFailure:
    """Why polling fails. ``wait_s`` None means trying again is useless."""

    state: BotState
    message: str
    wait_s: float | None


def classify_polling_error(error: Exception, attempt: int, limits: BotLimits) -> PollingFailure:
    """What a failed call means for the bot; ``attempt`` counts failures in a row, from 1."""
    wait = backoff_delay_s(attempt, limits.first_retry_s, limits.max_retry_s)
    match error:
        case TelegramUnauthorizedError() | TelegramNotFound():
            return PollingFailure(BotState.REJECTED, "Telegram does not accept the token (or api_url is wrong)", None)
        case TelegramConflictError():
            return PollingFailure(
                BotState.CONFLICT, "another program receives this bot's messages with the same token", wait
            )
        case TelegramRetryAfter(retry_after=seconds):
            bounded = min(float(seconds), limits.max_poll_flood_wait_s)
            return PollingFailure(BotState.UNREACHABLE, f"Telegram asks to wait {seconds} s", max(wait, bounded))
        case _:
            return PollingFailure(BotState.UNREACHABLE, redact_tokens(f"{type(error).__name__}: {error}"), wait)


class TelegramPoller:
    """``connected`` runs once after the first successful getMe; ``deliver`` gets each update once, in order."""

    def __init__(
        self,
        bot: Bot,
        recorder: StatusRecorder,
        limits: BotLimits,
        on_connected: Callable[[User], Awaitable[None]],
        on_update: Callable[[Update], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._board = recorder
        self._tuning = limits
        self._connected = on_connected
        self._deliver = on_update
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
            self._board.mark_running(username)
            for update in updates:
                await self._deliver(update)
                self._offset = update.update_id + 1

    async def confirm_updates(self) -> None:
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
                self._board.mark_running(self._me.username or "")
        return self._me.username or ""

    async def _fetch(self) -> list[Update]:
        """One getUpdates; the first one after a failure does not wait, so that recovery shows at once."""
        wait = 0 if self._failures else self._tuning.poll_timeout_s
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=wait,
                allowed_updates=ALLOWED_UPDATES,
                request_timeout=int(wait + self._tuning.request_timeout_s),
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
        trouble = classify_polling_error(error, self._failures, self._tuning)
        self._board.mark_state(trouble.state, trouble.message)
        log.warning("polling: %s: %s", trouble.state.value, trouble.message)
        if trouble.wait_s is None:
            return False
        if trouble.state is BotState.CONFLICT:
            self._webhook_gone = False
        await asyncio.sleep(trouble.wait_s)
        return True
