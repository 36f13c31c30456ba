"""Conversations of bots and widgets: one running conversation for each person at each source."""

from deployments.contracts.chat import TurnSource
from deployments.contracts.sessions import Conversation
from storage.database import Database

_NEWEST_MESSAGES = 200
"""How many messages a reopened conversation has; the prompt limits them further by ``llm.history_tokens``."""


class StoredConversations:
    """Implements ``contracts.sessions.Conversations`` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """The running conversation of ``person``, created when there is none."""
        async with self._database.unit_of_work() as work:
            running = await work.sessions.get_running(source, person)
            if running is None:
                return Conversation((await work.sessions.begin(source, person, display_name)).id)
            messages = await work.messages.newest(running.id, _NEWEST_MESSAGES)
            return Conversation(running.id, messages, running.overrides, running.mode)

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """Starts an empty conversation without a mode; the old one stays in the history."""
        async with self._database.unit_of_work() as work:
            await work.sessions.end_running(source, person)
            return Conversation((await work.sessions.begin(source, person, display_name)).id)

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        """Sets the mode of the running conversation. Creates one only for a non-empty mode."""
        async with self._database.unit_of_work() as work:
            if mode and await work.sessions.get_running(source, person) is None:
                await work.sessions.begin(source, person, display_name)
            await work.sessions.set_mode(source, person, mode)

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        """Renames the members of a group (``<group>:<user id>``) after the id of the group has changed."""
        async with self._database.unit_of_work() as work:
            await work.sessions.move_chat(source, chat, to)

    async def count(self, source: TurnSource) -> int:
        """How many conversations are running at ``source``."""
        async with self._database.unit_of_work() as work:
            return (await work.sessions.list_running(source, 1, 0))[1]
