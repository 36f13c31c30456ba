"""Stored conversations, as doors and the office see them.

What a conversation keeps of a turn:

==============================  ========  =================================================
how the turn ended              question  answer
==============================  ========  =================================================
completed                       kept      kept
stopped by its reader           kept      kept as far as it came, with route ``STOPPED_ROUTE``
failed, timed out, cancelled    kept      dropped: the model would continue from half a sentence
==============================  ========  =================================================

Unanswered questions are sent to the model together with the next one (``conversation.prompt``). The ``Exchange`` of a
door keeps the text of a failed answer and says so in ``finished`` and ``error``. A turn without any text is reported
only when it failed on the side of the server. Closing a chat page does not stop the turn: its answer is completed and
kept. Phone lines have no stored conversation.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from deployments.contracts.chat import ChatMessage, MessageRole, Overrides, TurnSource

STOPPED_ROUTE = "stopped"
"""The ``route`` of an answer that was stopped by its reader."""

ApiSessionKind = Literal["session", "webui"]
"""Where a ``/v1`` request names its conversation: in the body, or in the header of Open WebUI."""


def api_session_id(key_id: int, kind: ApiSessionKind, name: bytes) -> str:
    """The session id of the conversation ``name`` of an API key. It contains a hash, because the name may be personal
    data."""
    return f"api-{key_id}-{kind}-{hashlib.sha256(name).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stored session with its newest messages, oldest first. ``mode`` is the id of the bot button that is active, ""
    for none. ``keeps_recordings``: what the person says is to be kept."""

    session_id: str
    messages: tuple[ChatMessage, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)
    mode: str = ""
    keeps_recordings: bool = False


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A spoken message of a conversation: ``audio`` is the file as it came, ``seconds`` its length, 0 if unknown."""

    session_id: str
    turn_id: str
    audio: bytes
    media_type: str
    seconds: float
    transcript: str


class ConversationStore(Protocol):
    """Conversations by source and ``person``, which is a stable id at that source."""

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """Returns the current conversation of ``person``. Creates one if there is none."""
        ...

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """Starts a new, empty conversation without a mode. The former one stays in the history."""
        ...

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        """Sets the mode of the current conversation, "" for none. Creates a conversation for a non-empty mode."""
        ...

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        """Keeps the conversations of the members of a group whose id changes from ``chat`` to ``to``."""
        ...

    async def keep_recording(self, heard: HeardMessage) -> None:
        """Keeps a spoken message when recordings are kept."""
        ...

    async def count(self, source: TurnSource) -> int:
        """The number of current conversations at ``source``."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A conversation without its messages.

    ``message_count`` counts all branches. ``leaf_id`` is the newest message of the current branch, ``last_message`` the
    start of its text. ``owner`` is a panel user. ``version`` increases when the session is edited, not with messages.
    """

    id: str
    source: TurnSource
    person: str = ""
    display_name: str = ""
    title: str = ""
    owner: str = ""
    overrides: Overrides = field(default_factory=Overrides)
    mode: str = ""
    leaf_id: int | None = None
    message_count: int = 0
    last_message: str = ""
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in the tree of a conversation. ``parent_id`` is the message before it; messages with the same parent
    are alternatives. ``route`` is what answered, or ``STOPPED_ROUTE``. ``edited`` marks an edited question."""

    id: int
    session_id: str
    parent_id: int | None
    role: MessageRole
    content: str
    created_at: datetime
    route: str = ""
    edited: bool = False
    turn_id: str = ""


@dataclass(frozen=True, slots=True)
class ConversationBranch:
    """A branch of a conversation, identified by its newest message. ``last_message`` is the start of its text."""

    leaf_id: int
    last_message: str
    created_at: datetime
    in_view: bool = False
