"""Titles of conversations: the first sentence of the first question, or a title that the model suggests."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

from deployments.administration.chat.running_turns import closing_stream, turn_error
from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import AnswerMatched, FallbackGiven, TextDelta, TurnEvent, TurnFailed
from deployments.contracts.sessions import StoredMessage, StoredSession

MAX_TITLE_LENGTH = 60

_TITLE_PROMPT = (
    "You name conversations. Reply with one title of two to six words in the language of the conversation: "
    "no quotes, no full stop, nothing else."
)
_TITLE_OPTIONS = GenerationOptions(max_tokens=32, temperature=0.2)
_TITLE_CHARS = 2_000
_MAX_SENTENCE_CHARS = 1_000
_END_OF_SENTENCE = re.compile(r"(?<=[.!?…])\s|\n")


def title_from_question(question: str) -> str:
    """The first sentence in one line, at most 60 characters, cut between words."""
    sentence = _END_OF_SENTENCE.split(question.lstrip()[:_MAX_SENTENCE_CHARS].rstrip(), maxsplit=1)[0]
    return shorten_title(sentence)


def shorten_title(text: str) -> str:
    """``text`` in one line, at most 60 characters, cut between words where that is possible."""
    line = " ".join(text[:_MAX_SENTENCE_CHARS].split())
    if len(line) <= MAX_TITLE_LENGTH:
        return line
    head = line[: MAX_TITLE_LENGTH - 1]
    whole = head if line[MAX_TITLE_LENGTH - 1] == " " else head.rpartition(" ")[0] or head
    return f"{whole.rstrip(' ,;:—–-')}…"


def build_title_turn(session: StoredSession, messages: tuple[StoredMessage, ...]) -> ChatTurn:
    """The turn that asks for a title. The conversation is sent as one message, so that the model does not answer it."""
    transcript = "\n".join(f"{message.role}: {message.content}" for message in messages)[:_TITLE_CHARS]
    return ChatTurn(
        turn_id=uuid4().hex,
        source=TurnSource(SourceKind.ADMIN),
        messages=(ChatMessage("user", f"{transcript}\n\nTitle:"),),
        route=session.overrides.route,
        options=_TITLE_OPTIONS,
        system_prompt=_TITLE_PROMPT,
    )


async def read_title(events: AsyncIterator[TurnEvent]) -> str:
    """The title in the reply of a model. Raises the error of a failed turn, EngineFailed for an empty title."""
    text: list[str] = []
    async with aclosing(closing_stream(events)) as stream:
        async for event in stream:
            if isinstance(event, TurnFailed):
                raise turn_error(event)
            if isinstance(event, AnswerMatched):
                raise EngineFailed("the FAQ answered instead of the model; enter a title yourself")
            if isinstance(event, FallbackGiven):
                raise EngineFailed("no model speaks the language of this conversation; enter a title yourself")
            if isinstance(event, TextDelta):
                text.append(event.text)
    title = shorten_title("".join(text).strip().partition("\n")[0].strip(" \"'«»“”*#.")).strip()
    if not title:
        raise EngineFailed("the model returned no title")
    return title
