"""Stored conversations for doors that remember people."""

from deployments.contracts.chat import Source
from deployments.contracts.sessions import Conversation


class StoredConversations:
    """Implements ``contracts.sessions.Conversations`` on the database."""

    async def open(self, source: Source, person: str, display_name: str = "") -> Conversation:
        raise NotImplementedError

    async def restart(self, source: Source, person: str, display_name: str = "") -> Conversation:
        raise NotImplementedError
