"""JSON objects of the Telegram Bot API as the server sends them (https://core.telegram.org/bots/api)."""

import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TOKEN = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcK"
BOT_ID = 4839574812
BOT_NAME = "anna_secretary_bot"
ANNA = 111
BORIS = 222
GROUP = -100500


def bot_user() -> Json:
    return {
        "id": BOT_ID,
        "is_bot": True,
        "first_name": "Анна",
        "username": BOT_NAME,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def user(user_id: int, name: str = "Иван") -> Json:
    return {"id": user_id, "is_bot": False, "first_name": name, "language_code": "ru"}


def private_chat(user_id: int) -> Json:
    return {"id": user_id, "type": "private", "first_name": "Иван"}


def group_chat(chat_id: int = GROUP) -> Json:
    return {"id": chat_id, "type": "supergroup", "title": "Отдел"}


def message(chat: Json, sender: Json, message_id: int, **fields: Any) -> Json:
    fields.setdefault("date", int(time.time()))
    return {"message_id": message_id, "from": sender, "chat": chat, **fields}


def entity(text: str, part: str, kind: str) -> Json:
    """An entity over ``part``; offsets count UTF-16 code units."""
    before = text[: text.index(part)]
    return {"type": kind, "offset": _units(before), "length": _units(part)}


def command(text: str) -> Json:
    """The fields of a message that starts with a command."""
    return {"text": text, "entities": [entity(text, text.split()[0], "bot_command")]}


def mention(text: str) -> Json:
    """The fields of a message that mentions the bot."""
    return {"text": text, "entities": [entity(text, f"@{BOT_NAME}", "mention")]}


def voice(file_id: str, size: int) -> Json:
    return {
        "voice": {
            "file_id": file_id,
            "file_unique_id": f"u{file_id}",
            "duration": 2,
            "mime_type": "audio/ogg",
            "file_size": size,
        }
    }


def failure(code: int, description: str, **parameters: int) -> Json:
    body: Json = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return body


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@dataclass
class SentMessage:
    """A message that was sent to a chat. ``voice`` is the uploaded file of a voice note."""

    method: str
    chat_id: int
    message_id: int
    text: str = ""
    voice: bytes = b""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """An injected error for the next call of a method. ``cut`` drops the connection without a response."""

    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int = 0
    migrate_to: int = 0
    cut: bool = False
    raw: str = ""
    """A response that is not JSON, as proxies send."""
    after: bool = False
    """The call takes effect and only its response is lost (with ``cut``)."""
