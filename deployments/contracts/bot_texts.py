"""The bot's own texts in Russian and English. Texts declared for a bot take precedence."""

from dataclasses import dataclass

from deployments.contracts.instances import BotSpec


@dataclass(frozen=True, slots=True)
class BotTexts:
    welcome: str
    help: str
    restarted: str
    unauthorized: str
    error: str
    busy: str
    transcript: str
    quoted: str
    nothing_recognized: str
    too_large: str
    only_text_and_voice: str
    mode_started: str
    mode_ended: str
    administrators_only: str
    help_status: str
    status: str
    access_open: str
    access_listed: str
    command_start: str
    command_new: str
    command_help: str


RUSSIAN = BotTexts(
    welcome="Здравствуйте! Я секретарь. Напишите вопрос или пришлите голосовое сообщение.",
    help=(
        "Напишите вопрос или пришлите голосовое сообщение — я отвечу.\n\n"
        "/new — начать разговор заново\n/help — эта подсказка\n\n"
        "В группе обращайтесь ко мне по имени или отвечайте на мои сообщения."
    ),
    restarted="Начнём сначала. О чём поговорим?",
    unauthorized="Извините, у вас нет доступа к этому боту. Ваш номер в Telegram: {user_id}",
    error="Извините, не получилось ответить. Попробуйте, пожалуйста, ещё раз чуть позже.",
    busy="Подождите, пожалуйста: я ещё отвечаю на предыдущие сообщения. Это сообщение я пропускаю.",
    transcript="🎙 «{text}»",
    quoted="Я отвечаю на сообщение: «{text}»",
    nothing_recognized="Извините, я ничего не расслышал. Попробуйте ещё раз или напишите текстом.",
    too_large="Эта запись слишком большая или слишком длинная: я слушаю файлы до 20 МБ.",
    only_text_and_voice="Я понимаю только текст и голосовые сообщения.",
    mode_started="Режим «{mode}». Напишите, что нужно.",
    mode_ended="Обычный режим. Чем могу помочь?",
    administrators_only="Эта команда только для администраторов бота.",
    help_status="/status — как работает бот",
    status=(
        "@{username}, версия {version}\n"
        "Доступ: {access}\n"
        "Разговоров: {sessions}\n"
        "Сообщений: {updates}, без ответа: {failures}\n"
        "Последняя ошибка: {last_failure}\n"
        "Не готово: {not_ready}\n"
        "Сервер: {api_url}"
    ),
    access_open="для всех",
    access_listed="по списку, человек: {count}",
    command_start="Начать",
    command_new="Начать разговор заново",
    command_help="Подсказка",
)

ENGLISH = BotTexts(
    welcome="Hello! I am the secretary. Write a question or send a voice message.",
    help=(
        "Write a question or send a voice message, and I will answer.\n\n"
        "/new — start the conversation over\n/help — this help\n\n"
        "In a group, mention me or reply to my messages."
    ),
    restarted="Let us start over. What shall we talk about?",
    unauthorized="Sorry, you have no access to this bot. Your Telegram id: {user_id}",
    error="Sorry, I could not answer. Please try again a little later.",
    busy="One moment please: I am still answering earlier messages. I am skipping this one.",
    transcript="🎙 “{text}”",
    quoted="I am replying to this message: “{text}”",
    nothing_recognized="Sorry, I could not hear anything. Please try again or write it down.",
    too_large="This recording is too large or too long: I listen to files of up to 20 MB.",
    only_text_and_voice="I understand only text and voice messages.",
    mode_started="Mode “{mode}”. Write what you need.",
    mode_ended="Back to the usual mode. How can I help?",
    administrators_only="This command is for the bot's administrators only.",
    help_status="/status — how the bot does",
    status=(
        "@{username}, version {version}\n"
        "Access: {access}\n"
        "Conversations: {sessions}\n"
        "Messages: {updates}, not answered: {failures}\n"
        "Last failure: {last_failure}\n"
        "Not ready: {not_ready}\n"
        "Server: {api_url}"
    ),
    access_open="everyone",
    access_listed="people on the list: {count}",
    command_start="Start",
    command_new="Start the conversation over",
    command_help="Help",
)

TEXTS_BY_LANGUAGE = {"ru": RUSSIAN, "en": ENGLISH}


def bot_texts(language: str) -> BotTexts:
    """The texts in ``language``; English where there are none."""
    return TEXTS_BY_LANGUAGE.get(language, ENGLISH)


def welcome_text(spec: BotSpec) -> str:
    return spec.welcome_message.strip() or bot_texts(spec.language).welcome


def help_text(spec: BotSpec) -> str:
    return spec.help_message.strip() or bot_texts(spec.language).help


def unauthorized_text(spec: BotSpec, user_id: int) -> str:
    """The text for users without access. ``{user_id}`` is replaced by their Telegram id, which they need to ask for
    access."""
    text = spec.unauthorized_message.strip() or bot_texts(spec.language).unauthorized
    return text.replace("{user_id}", str(user_id))


def error_text(spec: BotSpec) -> str:
    return spec.error_message.strip() or bot_texts(spec.language).error
