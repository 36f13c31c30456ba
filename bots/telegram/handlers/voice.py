"""Voice notes, video notes and audio files, also those sent as documents."""

import logging

from aiogram import Bot, F, Router
from aiogram.enums import ChatAction
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.types import Audio, Document, Message, User, VideoNote, Voice

from bots.telegram.addressing import question_text
from bots.telegram.bot_limits import BotLimits
from bots.telegram.handlers.answer_delivery import send_answer
from bots.telegram.middlewares import describe_error
from bots.telegram.outgoing import send_text, send_voice_note
from bots.telegram.responder import BotAnswer, BotResponder
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.bot_texts import BotTexts, bot_texts
from deployments.contracts.errors import TooLarge, UnsupportedAudio
from deployments.contracts.instances import BotSpec
from deployments.contracts.memory_file import MemoryFile

log = logging.getLogger(__name__)

_AUDIO_TYPES = ("application/ogg", "application/x-ogg", "video/ogg")
_AUDIO_ENDINGS = (
    *(".aac", ".aif", ".aiff", ".amr", ".flac", ".m4a", ".mka", ".mp2", ".mp3", ".mpga", ".oga", ".ogg", ".opus"),
    *(".wav", ".weba"),
)


def build_router() -> Router:
    router = Router(name="voice")
    router.message.register(answer_voice_message, F.voice | F.audio | F.video_note)
    router.message.register(answer_voice_message, is_audio_document)
    return router


def is_audio_document(message: Message) -> bool:
    """Whether the message is an audio file that was sent as a document."""
    document = message.document
    if document is None:
        return False
    kind, name = (document.mime_type or "").lower(), (document.file_name or "").lower()
    return kind.startswith("audio/") or kind in _AUDIO_TYPES or name.endswith(_AUDIO_ENDINGS)


async def answer_voice_message(
    message: Message,
    bot: Bot,
    me: User,
    spec: BotSpec,
    responder: BotResponder,
    limits: BotLimits,
    typing_indicator: TypingIndicator,
) -> None:
    """Sends the transcript and the answer, followed by a voice note if the bot is configured to. A caption belongs to
    the question."""
    texts = bot_texts(spec.language)
    with _BoundedFile(limits.max_file_bytes) as file:
        async with typing_indicator.show(bot, message, ChatAction.TYPING):
            text = await _transcribe(message, bot, file, responder, texts)
        caption = question_text(message, me)
        if text is None and not caption:
            return
        if text is not None:
            await send_text(bot, message, texts.transcript.replace("{text}", text))
        question = "\n\n".join(part for part in (caption, text) if part)
        action = ChatAction.RECORD_VOICE if responder.speaks else ChatAction.TYPING
        async with typing_indicator.show(bot, message, action):
            answer = await responder.answer(message, question, speak=True)
        await send_answer(bot, message, answer)
        await _send_voice_note(bot, message, responder, answer)
        if answer.keeps_recording and text is not None:
            await responder.keep_recording(answer, file.reference.read(), *_media_facts(message), text)


def _media_facts(message: Message) -> tuple[str, float]:
    """The media type and the seconds that Telegram tells; "" and 0 where it tells none."""
    sound = message.voice or message.audio or message.document
    if message.video_note is not None:
        return "video/mp4", message.video_note.duration
    assert sound is not None
    return (sound.mime_type or "").lower(), 0.0 if isinstance(sound, Document) else sound.duration


async def _transcribe(
    message: Message, bot: Bot, file: "_BoundedFile", responder: BotResponder, texts: BotTexts
) -> str | None:
    """The transcript of a message, downloaded into ``file``. Without one it sends the reason and returns None."""
    try:
        await _download(message, bot, file)
        text = await responder.transcribe(file.reference)
    except TooLarge:
        await send_text(bot, message, texts.too_large)
        return None
    except UnsupportedAudio:
        text = ""
    if not text:
        await send_text(bot, message, texts.nothing_recognized)
    return text or None


async def _download(message: Message, bot: Bot, target: "_BoundedFile") -> None:
    """Downloads the audio of a message. Raises TooLarge, and Unavailable when the download fails."""
    sound = message.voice or message.audio or message.video_note or message.document
    assert sound is not None
    if (sound.file_size or 0) > target.max_bytes:
        raise TooLarge("the recording is too large")
    await bot.download_file(await _file_path(bot, sound), destination=target)


async def _file_path(bot: Bot, sound: Voice | Audio | VideoNote | Document) -> str:
    """The download path. Raises TooLarge for files above Telegram's limit, for which getFile fails with status 400."""
    try:
        file = await bot.get_file(sound.file_id)
    except TelegramBadRequest as error:
        raise TooLarge("the file is above Telegram's limit for downloads") from error
    if not file.file_path:
        raise TooLarge("the file is above Telegram's limit for downloads")
    return file.file_path


async def _send_voice_note(bot: Bot, message: Message, responder: BotResponder, answer: BotAnswer) -> None:
    """Sends the answer as a voice note. A failure is only logged, because the text was already sent."""
    try:
        ogg = await responder.voice_note(answer)
        if ogg:
            await send_voice_note(bot, message, ogg, answer.audio_s)
    except (AiogramError, ValueError, OSError) as error:
        log.warning("turn %s: no voice note: %s", answer.turn_id, describe_error(error))


class _BoundedFile(MemoryFile):
    """A file that raises TooLarge above ``max_bytes``."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self.max_bytes:
            raise TooLarge("the recording is too large")
        return super().write(data)
