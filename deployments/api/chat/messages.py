"""Request messages as ChatMessage: text and tool calls unchanged, images checked, recordings as their transcripts."""

import base64
import binascii

from deployments.api.chat.images import check_image_count, image_part
from deployments.api.chat.schemas import ContentPart, InputAudio, RequestMessage
from deployments.api.chat.tools import check_tool_results, tool_calls
from deployments.contracts.chat import ChatMessage, ImagePart, MessageRole
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineFailed, InvalidRequest
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.contracts.streams import Closing

_ROLES: dict[str, MessageRole] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def has_recordings(messages: list[RequestMessage]) -> bool:
    return any(part.input_audio for m in messages if isinstance(m.content, list) for part in m.content)


def plain_messages(messages: list[RequestMessage], transcripts: dict[int, str]) -> tuple[ChatMessage, ...]:
    """``messages`` for the turn. ``transcripts`` maps the id() of an input_audio part to its transcript. Raises
    InvalidRequest."""
    converted = tuple(_to_chat_message(message, f"messages[{i}]", transcripts) for i, message in enumerate(messages))
    check_tool_results(converted)
    check_image_count(converted)
    return converted


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
    if role is None or message.function_call:
        raise InvalidRequest("Functions are not supported: send tools, tool_calls and messages of tools.", param=field)
    images: list[ImagePart] = []
    content = message.content
    if content is None:
        content = _empty_content(message, field)
    elif not isinstance(content, str):
        texts = []
        for number, part in enumerate(content):
            part_field = f"{field}.content[{number}]"
            if part.image_url is not None and part.type == "image_url" and role == "user":
                images.append(image_part(part.image_url, part_field))
            else:
                texts.append(_part_text(part, role, part_field, transcripts))
        content = "\n".join(texts)
    calls = tool_calls(message, field)
    return ChatMessage(role, content, tuple(images), calls, (message.tool_call_id or "") if role == "tool" else "")


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
    raise InvalidRequest(
        f"A part of type {part.type!r} is not supported here; send text, input_audio or image_url.", param=field
    )


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
