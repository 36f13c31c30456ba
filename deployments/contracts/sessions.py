"""Stored conversations: as doors that remember people see them, and as the office shows them.

A conversation keeps of a turn what its next prompt needs:

==============================  ========  ==============================================================
how the turn ended              question  words of the answer
==============================  ========  ==============================================================
complete                        kept      kept
its reader stopped it           kept      kept as far as they came and marked ``STOPPED``: the reader has
                                          read them and goes on from there
it broke off (engine failed,    kept      dropped: the model would take half a sentence for its answer,
time was up, client or process            and so would whoever reads the conversation
gone before the end)
==============================  ========  ==============================================================

Questions without an answer reach the model together with the next one (``conversation.prompt``). Words that broke off
at a door stay in the ``Exchange``, which says so (``finished``); a turn without any words is not reported. Whoever
only leaves a chat of the office breaks nothing off: the answer is completed and kept. A caller who talks over the voice
breaks off at most a turn of the phone gateway, which keeps what was said on its lines: no line has a conversation here.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from deployments.contracts.chat import ChatMessage, MessageRole, Overrides, TurnSource

STOPPED_ROUTE = "stopped"
"""The ``route`` of an answer that its reader stopped."""

ApiSessionKind = Literal["session", "webui"]
"""How a caller of ``/v1`` named the conversation: in the request, or as Open WebUI does in a header."""


def api_session_id(key_id: int, kind: ApiSessionKind, name: bytes) -> str:
    """Under which id the exchanges of a conversation are stored that the caller with this API key calls ``name``. The
    name itself, which may tell who it is about, is not stored."""
    return f"api-{key_id}-{kind}-{hashlib.sha256(name).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stored session with its newest messages, oldest first, and what people set for it. ``mode`` is the id of the
    button that the person pressed last, "" for none."""

    session_id: str
    messages: tuple[ChatMessage, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)
    mode: str = ""


class ConversationStore(Protocol):
    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """The running conversation of ``person`` (a stable id at that source), created when there is none."""
        ...

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """Begins a new, empty conversation without a mode; the old one stays in the history."""
        ...

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        """Puts the running conversation of ``person`` into ``mode``, "" for none. Only a mode begins a conversation
        where there is none."""
        ...

    async def count(self, source: TurnSource) -> int:
        """How many conversations are running at ``source``."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A conversation without its messages.

    ``message_count`` counts all branches; ``leaf_id`` is the newest message of the branch in view and ``last_message``
    the beginning of it. ``owner`` is the user of the panel it belongs to, ``mode`` is as in ``Conversation``.
    ``version`` rises when people change the session itself, not when somebody talks in it.
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
    """``parent_id`` is the message it follows; messages with the same parent are versions of each other. ``route`` says
    who answered, or ``STOPPED``. ``edited`` marks a question that was asked anew in other words."""

    id: int
    session_id: str
    parent_id: int | None
    role: MessageRole
    content: str
    created_at: datetime
    route: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class ConversationBranch:
    """One way through a conversation, named by its newest message. ``last_message`` is the beginning of that."""

    leaf_id: int
    last_message: str
    created_at: datetime
    in_view: bool = False
