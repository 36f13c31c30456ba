"""Long polling: fetches updates, passes them on in order and recovers from errors."""

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
    """Why polling failed. ``wait_s`` is the time until the next attempt; None means there should be none."""

    state: BotState
    message: str
    wait_s: float | None


def classify_polling_error(error: Exception, attempt: int, limits: BotLimits) -> PollingFailure:
    """The failure that ``error`` means. ``attempt`` counts consecutive failures from 1."""
    wait = backoff_delay_s(attempt, limits.first_retry_s, limits.max_retry_s)
    match error:
        case TelegramUnauthorizedError() | TelegramNotFound():
            return PollingFailure(BotState.REJECTED, "Telegram does not accept the token (or api_url is wrong)", None)
        case TelegramConflictError():
            return PollingFailure(BotState.CONFLICT, "another program polls with the same token", wait)
        case TelegramRetryAfter(retry_after=seconds):
            bounded = min(float(seconds), limits.max_poll_flood_wait_s)
            return PollingFailure(BotState.UNREACHABLE, f"Telegram asks to wait {seconds} s", max(wait, bounded))
        case _:
            return PollingFailure(BotState.UNREACHABLE, redact_tokens(f"{type(error).__name__}: {error}"), wait)


class TelegramPoller:
    """Awaits ``on_connected`` once after the first successful getMe and ``on_update`` for each update, in order."""

    def __init__(
        self,
        bot: Bot,
        recorder: StatusRecorder,
        limits: BotLimits,
        on_connected: Callable[[User], Awaitable[None]],
        on_update: Callable[[Update], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._recorder = recorder
        self._limits = limits
        self._on_connected = on_connected
        self._on_update = on_update
        self._me: User | None = None
        self._webhook_deleted = False
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
            self._recorder.mark_running(username)
            for update in updates:
                await self._on_update(update)
                self._offset = update.update_id + 1

    async def confirm_updates(self) -> None:
        """Confirms the updates that were passed on, so that Telegram does not send them again."""
        if self._offset is not None:
            await self._bot.get_updates(offset=self._offset, limit=1, timeout=0, request_timeout=3)

    async def _prepare(self) -> str:
        """Calls getMe, removes a webhook (again after a conflict) and returns the username."""
        if self._me is None:
            me = await self._bot.me()
            await self._on_connected(me)
            self._me = me
        if not self._webhook_deleted:
            await self._bot.delete_webhook(drop_pending_updates=False)
            self._webhook_deleted = True
            if not self._failures:
                self._recorder.mark_running(self._me.username or "")
        return self._me.username or ""

    async def _fetch(self) -> list[Update]:
        """Calls getUpdates. The first call after a failure does not wait, so that the status recovers at once."""
        wait = 0 if self._failures else self._limits.poll_timeout_s
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=wait,
                allowed_updates=ALLOWED_UPDATES,
                request_timeout=int(wait + self._limits.request_timeout_s),
            )
        except ClientDecodeError as error:
            return self._parse_valid_updates(error)

    def _parse_valid_updates(self, error: ClientDecodeError) -> list[Update]:
        """The valid updates of a batch in which aiogram cannot parse some update.

        Without this the same batch would be fetched again and again. Raises the error when the reply is no batch of
        updates.
        """
        batch = error.data.get("result") if isinstance(error.data, Mapping) else None
        if not isinstance(batch, list):
            raise error
        updates = [update for raw in batch if (update := self._parse(raw)) is not None]
        ids = [raw["update_id"] for raw in batch if isinstance(raw, Mapping) and isinstance(raw.get("update_id"), int)]
        if not updates and ids:
            self._offset = max(ids) + 1
        return updates

    def _parse(self, raw: Any) -> Update | None:
        try:
            return Update.model_validate(raw, context={"bot": self._bot})
        except ValidationError:
            log.warning("skipped an update that aiogram cannot parse")
            return None

    async def _recover(self, error: Exception) -> bool:
        """Records the failure and waits until the next attempt. Returns False when there should be none."""
        self._failures += 1
        failure = classify_polling_error(error, self._failures, self._limits)
        self._recorder.mark_state(failure.state, failure.message)
        log.warning("polling: %s: %s", failure.state.value, failure.message)
        if failure.wait_s is None:
            return False
        if failure.state is BotState.CONFLICT:
            self._webhook_deleted = False
        await asyncio.sleep(failure.wait_s)
        return True
