"""Stored conversations, as doors that remember people (Telegram, the panel, the widget) see them."""

from dataclasses import dataclass
from typing import Protocol

from deployments.contracts.chat import ChatMessage, Source


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stored session with its newest messages, oldest first."""

    session_id: str
    messages: tuple[ChatMessage, ...] = ()


class Conversations(Protocol):
    async def open(self, source: Source, person: str, display_name: str = "") -> Conversation:
        """The running conversation of ``person`` (a stable id at that source), created when there is none."""
        ...

    async def restart(self, source: Source, person: str, display_name: str = "") -> Conversation:
        """Begins a new, empty conversation; the old one stays in the history."""
        ...
