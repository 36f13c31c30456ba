"""Request messages as ChatMessage: text unchanged, recordings as their transcripts."""

import base64
import binascii

from deployments.api.chat.schemas import ContentPart, InputAudio, RequestMessage
from deployments.contracts.chat import ChatMessage, MessageRole
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineFailed, InvalidRequest
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.contracts.streams import Closing

_ROLES: dict[str, MessageRole] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def has_recordings(messages: list[RequestMessage]) -> bool:
    return any(part.input_audio for m in messages if isinstance(m.content, list) for part in m.content)


def plain_messages(messages: list[RequestMessage], transcripts: dict[int, str]) -> tuple[ChatMessage, ...]:
    """``messages`` as text. ``transcripts`` maps the id() of an input_audio part to its transcript. Raises
    InvalidRequest."""
    return tuple(_to_chat_message(message, f"messages[{i}]", transcripts) for i, message in enumerate(messages))


async def transcribe_recordings(messages: list[RequestMessage], assistant: Assistant) -> dict[int, str]:
    """Transcripts of all recordings in ``messages``, by the id() of their part. Transcribes one at a time."""
    transcripts = {}
    for index, message in enumerate(messages):
        for part in message.content if isinstance(message.content, list) else ():
            if part.input_audio is not None:
                field = f"messages[{index}].content"
                transcripts[id(part)] = await _transcript(part.input_audio, assistant, field)
    return transcripts


def _to_chat_message(message: RequestMessage, field: str, transcripts: dict[int, str]) -> ChatMessage:
    role = _ROLES.get(message.role)
    if role is None or message.tool_calls or message.function_call:
        raise InvalidRequest("Tool calls and their results are not supported.", param=field)
    content = message.content
    if isinstance(content, str):
        return ChatMessage(role, content)
    if content is None:
        return ChatMessage(role, _empty_content(message, field))
    texts = (_part_text(part, role, f"{field}.content[{i}]", transcripts) for i, part in enumerate(content))
    return ChatMessage(role, "\n".join(texts))


def _empty_content(message: RequestMessage, field: str) -> str:
    if message.audio is not None:
        raise InvalidRequest("Spoken answers are not stored: send the transcript as content.", param=f"{field}.audio")
    if message.role != "assistant":
        raise InvalidRequest("content is missing.", param=f"{field}.content")
    return ""


def _part_text(part: ContentPart, role: MessageRole, field: str, transcripts: dict[int, str]) -> str:
    if part.type == "text" and part.text is not None:
        return part.text
    if part.type == "refusal" and part.refusal is not None and role == "assistant":
        return part.refusal
    if part.type == "input_audio" and role == "user" and id(part) in transcripts:
        return transcripts[id(part)]
    raise InvalidRequest(f"A part of type {part.type!r} is not supported; send text or input_audio.", param=field)


async def _transcript(audio: InputAudio, assistant: Assistant, field: str) -> str:
    try:
        data = base64.b64decode(audio.data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("input_audio.data is not base64.", param=field) from None
    async with Closing(assistant.transcribe(RecognitionRequest(data))) as events:
        async for event in events:
            if isinstance(event, TranscriptFinished):
                return event.text.strip()
    raise EngineFailed("Recognition ended without a transcript.")
