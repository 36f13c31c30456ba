"""The bot itself: ties polling, lanes, middlewares and handlers together and has a life with a beginning and an end."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from aiogram import Bot, Dispatcher
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiogram.types import Update, User
from aiogram.utils.token import TokenValidationError
from pydantic import SecretStr

from bots.bot_status import BotState, BotStatus
from bots.telegram.addressing import is_addressed, message_of
from bots.telegram.bot_limits import BotLimits
from bots.telegram.bot_texts import bot_texts, error_text
from bots.telegram.checked_session import CheckedSession, PolicyProvider
from bots.telegram.handlers import routers
from bots.telegram.handlers.commands import publish_commands
from bots.telegram.middlewares import AccessListMiddleware, ErrorReplyMiddleware, MessageAgeLimit, describe_error
from bots.telegram.outgoing import send_text
from bots.telegram.per_chat_queue import PerChatQueue
from bots.telegram.polling import TelegramPoller
from bots.telegram.recent_messages import RecentMessages
from bots.telegram.responder import BotResponder, EncodeVoiceNote
from bots.telegram.send_retry import SendRetry
from bots.telegram.status_recorder import StatusRecorder
from bots.telegram.token_redaction import install_log_redaction
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.engines import Assistant
from deployments.contracts.instances import BotSpec
from deployments.contracts.sessions import ConversationStore
from deployments.outbound.policy import OutboundPolicy

log = logging.getLogger(__name__)


class TelegramBot:
    """A Telegram bot that answers with ``assistant``.

    ``encode_voice_note`` turns PCM into an OGG/Opus file; without it the bot answers in text only. ``policy`` says,
    anew for every request, whether the row's Bot API server may be asked. ``run`` once.
    """

    def __init__(
        self,
        spec: BotSpec,
        token: str,
        assistant: Assistant,
        conversations: ConversationStore,
        encode_voice_note: EncodeVoiceNote | None = None,
        limits: BotLimits | None = None,
        policy: PolicyProvider = OutboundPolicy,
    ) -> None:
        self._spec = spec
        self._token = SecretStr(token)
        self._tuning = limits or BotLimits()
        self._policy = policy
        self._board = StatusRecorder(spec.id, spec.version)
        self._fresh = MessageAgeLimit(self._tuning.max_message_age_s)
        self._responder = BotResponder(
            spec, assistant, conversations, encode_voice_note, self._tuning.turn_timeout_s, self._tuning.max_voice_s
        )
        self._me: User | None = None
        self._stop = asyncio.Event()
        self._gone = asyncio.Event()
        self._started = False

    def __repr__(self) -> str:
        return f"TelegramBot({self._spec.id!r}, {self._board.status.state.value})"

    def status(self) -> BotStatus:
        return self._board.status

    async def run(self) -> None:
        """Polls and answers until stopped or cancelled, or until Telegram rejects the token."""
        self._started = True
        install_log_redaction()
        try:
            await self._serve()
        except TokenValidationError:
            self._board.mark_state(BotState.REJECTED, "this is not a bot token")
        finally:
            self._board.mark_stopped()
            self._gone.set()

    async def stop(self) -> None:
        """Takes no more updates, lets answers in flight finish for ``stop_grace_s``, and returns when all is closed."""
        self._stop.set()
        if self._started:
            await self._gone.wait()

    async def _serve(self) -> None:
        bot = self._client()
        handle = partial(self._handle, bot, self._dispatcher())
        lanes = PerChatQueue(handle, partial(self._too_busy, bot), self._tuning)
        poller = TelegramPoller(bot, self._board, self._tuning, partial(self._arrived, bot), partial(self._take, lanes))
        polling = asyncio.create_task(poller.run())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (polling, stopping):
                task.cancel()
            await asyncio.wait({polling, stopping})
            await self._wind_down(bot, lanes, poller)
        if not polling.cancelled():
            polling.result()

    def _client(self) -> Bot:
        """Raises TokenValidationError for text that is no token."""
        server = TelegramAPIServer.from_base(self._spec.api_url)
        session = CheckedSession(self._spec.api_url, self._policy, api=server, timeout=self._tuning.request_timeout_s)
        session.middleware(SendRetry(self._tuning))
        return Bot(self._token.get_secret_value(), session=session)

    def _dispatcher(self) -> Dispatcher:
        dispatcher = Dispatcher(disable_fsm=True)
        dispatcher.update.outer_middleware(ErrorReplyMiddleware(self._spec, self._board))
        dispatcher.update.outer_middleware(AccessListMiddleware(self._spec))
        dispatcher.include_routers(*routers())
        dispatcher.workflow_data.update(
            spec=self._spec,
            board=self._board,
            responder=self._responder,
            presence=TypingIndicator(self._spec.typing_enabled, self._tuning.chat_action_interval_s),
            tuning=self._tuning,
            recent=RecentMessages(),
        )
        return dispatcher

    async def _arrived(self, bot: Bot, me: User) -> None:
        """Runs when Telegram has told who the bot is. A menu that cannot be set is no reason not to answer."""
        self._me = me
        try:
            await publish_commands(bot, self._spec)
        except AiogramError as error:
            log.warning("bot %s: the command menu was not set: %s", self._spec.id, describe_error(error))

    async def _take(self, lanes: PerChatQueue, update: Update) -> None:
        """Puts what is meant for this bot and recent enough into its chat's lane."""
        message = message_of(update)
        if message is None or self._me is None or not is_addressed(message, self._me):
            return
        if not self._fresh(message):
            log.info("bot %s skips update %d: written too long ago", self._spec.id, update.update_id)
            return
        await lanes.put(message.chat.id, update)

    async def _handle(self, bot: Bot, dispatcher: Dispatcher, update: Update) -> None:
        await dispatcher.feed_update(bot, update, me=self._me)

    async def _too_busy(self, bot: Bot, update: Update) -> None:
        message = message_of(update)
        if message is not None:
            await send_text(bot, message, bot_texts(self._spec.language).busy)

    async def _wind_down(self, bot: Bot, lanes: PerChatQueue, poller: TelegramPoller) -> None:
        """Finishes what is in flight or tells people it was cut off, then lets Telegram forget what was taken in."""
        try:
            await lanes.drain(self._tuning.stop_grace_s)
            if self._board.status.state is not BotState.REJECTED:
                with suppress(AiogramError, TimeoutError):
                    async with asyncio.timeout(self._tuning.shutdown_reply_timeout_s):
                        await self._excuse(bot, lanes.unfinished)
                        await poller.confirm_updates()
        finally:
            await bot.session.close()

    async def _excuse(self, bot: Bot, cut_off: tuple[Update, ...]) -> None:
        """One apology to each chat whose questions will not be answered any more."""
        messages = [message for update in cut_off if (message := message_of(update)) is not None]
        chats = {message.chat.id: message for message in messages}
        sends = (send_text(bot, message, error_text(self._spec)) for message in chats.values())
        await asyncio.gather(*sends, return_exceptions=True)
