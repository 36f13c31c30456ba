"""Spoken questions: voice notes, audio files and round video messages."""

import io
import logging

from aiogram import Bot, F, Router
from aiogram.enums import ChatAction
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.types import Audio, Message, VideoNote, Voice

from bots.telegram.bot_limits import BotLimits
from bots.telegram.bot_texts import BotTexts, bot_texts
from bots.telegram.handlers.answer_delivery import send_answer
from bots.telegram.middlewares import describe_error
from bots.telegram.outgoing import send_text, send_voice_note
from bots.telegram.responder import BotAnswer, BotResponder
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.errors import TooLarge, UnsupportedAudio
from deployments.contracts.instances import BotSpec

log = logging.getLogger(__name__)


def router() -> Router:
    found = Router(name="voice")
    found.message.register(answer_voice_message, F.voice | F.audio | F.video_note)
    return found


async def answer_voice_message(
    message: Message, bot: Bot, spec: BotSpec, responder: BotResponder, tuning: BotLimits, presence: TypingIndicator
) -> None:
    """Shows what was heard, answers in text, and in voice too where the bot is set to."""
    texts = bot_texts(spec.language)
    async with presence.show(bot, message, ChatAction.TYPING):
        heard = await _hear(message, bot, responder, tuning, texts)
    if heard is None:
        return
    await send_text(bot, message, texts.transcript.replace("{text}", heard))
    action = ChatAction.RECORD_VOICE if responder.speaks else ChatAction.TYPING
    async with presence.show(bot, message, action):
        answer = await responder.answer(message, heard, speak=True)
    await send_answer(bot, message, answer)
    await _say(bot, message, responder, answer)


async def _hear(message: Message, bot: Bot, responder: BotResponder, tuning: BotLimits, texts: BotTexts) -> str | None:
    """What was said, or None after telling the person why there is nothing."""
    try:
        heard = await responder.transcribe(await _fetch(message, bot, tuning.max_file_bytes))
    except TooLarge:
        await send_text(bot, message, texts.too_large)
        return None
    except UnsupportedAudio:
        heard = ""
    if not heard:
        await send_text(bot, message, texts.nothing_recognized)
    return heard or None


async def _fetch(message: Message, bot: Bot, most: int) -> bytes:
    """The file behind a spoken message. Raises TooLarge above ``most`` bytes, Unavailable when it cannot be had."""
    sound = message.voice or message.audio or message.video_note
    assert sound is not None
    if (sound.file_size or 0) > most:
        raise TooLarge("the recording is too large")
    path = await _path(bot, sound)
    target = _Bounded(most)
    await bot.download_file(path, destination=target)
    return target.getvalue()


async def _path(bot: Bot, sound: Voice | Audio | VideoNote) -> str:
    """Telegram names no path for files above its limit and refuses the request with 400."""
    try:
        file = await bot.get_file(sound.file_id)
    except TelegramBadRequest as error:
        raise TooLarge("Telegram does not hand this file out") from error
    if not file.file_path:
        raise TooLarge("Telegram does not hand this file out")
    return file.file_path


async def _say(bot: Bot, message: Message, responder: BotResponder, answer: BotAnswer) -> None:
    """The text is already there, so a voice note that fails (or that the person does not accept) is only logged."""
    try:
        ogg = await responder.voice_note(answer)
        if ogg:
            await send_voice_note(bot, message, ogg, answer.audio_s)
    except (AiogramError, ValueError, OSError) as error:
        log.warning("turn %s: no voice note: %s", answer.turn_id, describe_error(error))


class _Bounded(io.BytesIO):
    """Refuses to grow beyond ``most`` bytes, whatever size was announced."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._most:
            raise TooLarge("the recording is too large")
        return super().write(data)
