"""Redacts bot tokens in errors and log records. The Bot API has the token in the path of every URL, and HTTP libraries
put URLs into their errors. Errors are redacted when they leave the HTTP session, log records when they are written."""

import logging
import re
from collections.abc import AsyncGenerator
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError

from deployments.contracts.errors import Unavailable

_TOKEN = re.compile(r"\d{3,20}(?::|%3[Aa])[A-Za-z0-9_-]{8,}")
_LOGGERS = (
    "aiogram",
    "aiogram.dispatcher",
    "aiogram.event",
    "aiogram.middlewares",
    "aiohttp.client",
    "asyncio",
    "bots",
)


def redact_tokens(text: str) -> str:
    """Replaces everything that looks like a bot token with ``[token]``."""
    return _TOKEN.sub("[token]", text)


class TokenRedaction(logging.Filter):
    """Redacts tokens in the message, the arguments and the traceback of a record. Drops no record."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if _TOKEN.search(text):
            record.msg, record.args = redact_tokens(text), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text and _TOKEN.search(record.exc_text):
            record.exc_text, record.exc_info = redact_tokens(record.exc_text), None
        return True


_FILTER = TokenRedaction()


def install_log_redaction() -> None:
    """Adds the filter to the loggers of the libraries a bot uses and to the handlers of the root logger. Idempotent."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_FILTER)


class RedactingSession(AiohttpSession):
    """aiogram's HTTP session with redacted errors. No URL is left in their text or in their causes."""

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109
    ) -> TelegramType:
        failure: Exception
        try:
            return await super().make_request(bot, method, timeout)
        except (TelegramAPIError, ClientDecodeError) as error:
            failure = error
        raise _masked(failure)

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        """Raises Unavailable instead of aiohttp's errors, which contain the URL."""
        failure: str
        try:
            async for chunk in super().stream_content(url, headers, timeout, chunk_size, raise_for_status):
                yield chunk
            return
        except (ClientError, TimeoutError) as error:
            failure = type(error).__name__
        raise Unavailable(f"a file could not be fetched from Telegram: {failure}")


def _masked(error: TelegramAPIError | ClientDecodeError) -> Exception:
    error.message = redact_tokens(error.message)
    if isinstance(error, ClientDecodeError):
        error.original = ValueError(redact_tokens(str(error.original)))
        error.data = redact_tokens(error.data) if isinstance(error.data, str) else error.data
    error.args = ()
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return error
