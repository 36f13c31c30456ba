"""Conversations that end with an assistant message: the start of an answer, or an answer to go on from.

A text that breaks off within a sentence is continued (``answer_prefix``). After a whole sentence, and where a program
reads the answer, the model takes another turn.
"""

from deployments.contracts.chat import ChatMessage

_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
_CLOSING_MARKS = "\"'»”’)]}*_`~ \t\r\n"


def without_empty_answers(messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """``messages`` without assistant messages that say and call nothing, which some clients send as placeholders."""
    return tuple(m for m in messages if m.role != "assistant" or m.tool_calls or m.content.strip())


def split_continuation(
    messages: tuple[ChatMessage, ...], requires_structure: bool
) -> tuple[tuple[ChatMessage, ...], str]:
    """The messages before the answer that is to be continued, and its text; "" when the model takes another turn."""
    end = len(messages)
    while end and messages[end - 1].role == "assistant" and not messages[end - 1].tool_calls:
        end -= 1
    started = "\n\n".join(message.content for message in messages[end:])
    if requires_structure or _is_whole_sentence(started):
        return messages, ""
    return messages[:end], started


def _is_whole_sentence(text: str) -> bool:
    return text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS)
