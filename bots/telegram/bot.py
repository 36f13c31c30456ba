"""The bot: connects polling, the queue of each chat, middlewares and handlers, and runs until it is stopped."""

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
from bots.telegram.addressing import bot_source, is_addressed, message_of
from bots.telegram.bot_limits import BotLimits
from bots.telegram.chat_migrations import ChatMigrations
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
from bots.telegram.tunnelled_connector import TunnelPool
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.bot_texts import bot_texts, error_text
from deployments.contracts.engines import Assistant
from deployments.contracts.instances import BotSpec
from deployments.contracts.sessions import ConversationStore
from deployments.outbound.policy import OutboundPolicy

log = logging.getLogger(__name__)


class TelegramBot:
    """A Telegram bot that answers with ``assistant``.

    ``encode_voice_note`` encodes PCM as an OGG/Opus file; without it the bot answers in text only. ``policy`` is called
    for every request and decides whether the Bot API server may be contacted, which is reached through ``proxies`` if
    there are any. ``run`` may be called once.
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
        proxies: TunnelPool | None = None,
    ) -> None:
        self._proxies = proxies
        self._spec = spec
        self._token = SecretStr(token)
        self._limits = limits or BotLimits()
        self._policy = policy
        self._recorder = StatusRecorder(spec.id, spec.version)
        self._age_limit = MessageAgeLimit(self._limits.max_message_age_s)
        self._responder = BotResponder(
            spec, assistant, conversations, encode_voice_note, self._limits.turn_timeout_s, self._limits.max_voice_s
        )
        self._migrations = ChatMigrations(partial(conversations.move_chat, bot_source(spec.id)))
        self._me: User | None = None
        self._stop = asyncio.Event()
        self._finished = asyncio.Event()
        self._started = False

    def __repr__(self) -> str:
        return f"TelegramBot({self._spec.id!r}, {self._recorder.status.state.value})"

    def status(self) -> BotStatus:
        return self._recorder.status

    async def run(self) -> None:
        """Polls and answers until stopped or cancelled, or until Telegram rejects the token."""
        self._started = True
        install_log_redaction()
        try:
            await self._poll_until_stopped()
        except TokenValidationError:
            self._recorder.mark_state(BotState.REJECTED, "this is not a bot token")
        finally:
            self._recorder.mark_stopped()
            self._finished.set()

    async def stop(self) -> None:
        """Stops polling, waits up to ``stop_grace_s`` for turns in progress and returns when everything is closed."""
        self._stop.set()
        if self._started:
            await self._finished.wait()

    async def _poll_until_stopped(self) -> None:
        bot = self._build_client()
        handle = partial(self._handle, bot, self._build_dispatcher())
        queue = PerChatQueue(handle, partial(self._send_busy_reply, bot), self._limits)
        poller = TelegramPoller(
            bot, self._recorder, self._limits, partial(self._on_connected, bot), partial(self._enqueue, queue)
        )
        polling = asyncio.create_task(poller.run())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (polling, stopping):
                task.cancel()
            await asyncio.wait({polling, stopping})
            await self._shut_down(bot, queue, poller)
        if not polling.cancelled():
            polling.result()

    def _build_client(self) -> Bot:
        """Raises TokenValidationError for a malformed token."""
        server = TelegramAPIServer.from_base(self._spec.api_url)
        timeout = self._limits.request_timeout_s
        session = CheckedSession(self._spec.api_url, self._policy, self._proxies, api=server, timeout=timeout)
        session.middleware(SendRetry(self._limits, self._migrations))
        return Bot(self._token.get_secret_value(), session=session)

    def _build_dispatcher(self) -> Dispatcher:
        dispatcher = Dispatcher(disable_fsm=True)
        dispatcher.update.outer_middleware(ErrorReplyMiddleware(self._spec, self._recorder))
        dispatcher.update.outer_middleware(AccessListMiddleware(self._spec, self._recorder))
        dispatcher.include_routers(*routers())
        dispatcher.workflow_data.update(
            spec=self._spec,
            recorder=self._recorder,
            responder=self._responder,
            typing_indicator=TypingIndicator(self._spec.typing_enabled, self._limits.chat_action_interval_s),
            limits=self._limits,
            recent_messages=RecentMessages(),
        )
        return dispatcher

    async def _on_connected(self, bot: Bot, me: User) -> None:
        """Stores the bot's own user and sets the command menu. An error of the menu is only logged."""
        self._me = me
        try:
            await publish_commands(bot, self._spec)
        except AiogramError as error:
            log.warning("bot %s: the command menu was not set: %s", self._spec.id, describe_error(error))

    async def _enqueue(self, queue: PerChatQueue, update: Update) -> None:
        """Puts an update into the queue of its chat if it is addressed to the bot and recent enough."""
        message = message_of(update)
        if message is None or self._me is None:
            return
        await self._migrations.note(message)
        if not is_addressed(message, self._me):
            return
        if not self._age_limit(message):
            log.info("bot %s skips update %d: the message is too old", self._spec.id, update.update_id)
            return
        await queue.put(message.chat.id, update)

    async def _handle(self, bot: Bot, dispatcher: Dispatcher, update: Update) -> None:
        await dispatcher.feed_update(bot, update, me=self._me)

    async def _send_busy_reply(self, bot: Bot, update: Update) -> None:
        message = message_of(update)
        if message is not None:
            await send_text(bot, message, bot_texts(self._spec.language).busy)

    async def _shut_down(self, bot: Bot, queue: PerChatQueue, poller: TelegramPoller) -> None:
        """Waits for turns in progress, replies to unanswered messages and confirms all received updates."""
        try:
            await queue.drain(self._limits.stop_grace_s)
            if self._recorder.status.state is not BotState.REJECTED:
                with suppress(AiogramError, TimeoutError):
                    async with asyncio.timeout(self._limits.shutdown_reply_timeout_s):
                        await self._send_shutdown_replies(bot, queue.unfinished)
                        await poller.confirm_updates()
        finally:
            await bot.session.close()

    async def _send_shutdown_replies(self, bot: Bot, unfinished: tuple[Update, ...]) -> None:
        """Sends the error text once to each chat that has an unanswered message."""
        messages = [message for update in unfinished if (message := message_of(update)) is not None]
        chats = {message.chat.id: message for message in messages}
        sends = (send_text(bot, message, error_text(self._spec)) for message in chats.values())
        await asyncio.gather(*sends, return_exceptions=True)
