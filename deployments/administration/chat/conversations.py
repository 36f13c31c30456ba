"""Conversations of bots and widgets: one running conversation for each person at each source."""

from deployments.administration.chat.recordings import ConversationRecordings
from deployments.contracts.chat import TurnSource
from deployments.contracts.sessions import Conversation, HeardMessage
from storage.database import Database

_NEWEST_MESSAGES = 200
"""How many messages a reopened conversation has; the prompt limits them further by ``llm.history_tokens``."""


class StoredConversations:
    """Implements ``contracts.sessions.ConversationStore`` on the database."""

    def __init__(self, database: Database, recordings: ConversationRecordings) -> None:
        self._database = database
        self._recordings = recordings

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """The running conversation of ``person``, created when there is none."""
        async with self._database.unit_of_work() as work:
            running = await work.sessions.get_running(source, person)
            if running is None:
                begun = await work.sessions.begin(source, person, display_name)
                return Conversation(begun.id, keeps_recordings=self._recordings.kept)
            messages = await work.messages.newest(running.id, _NEWEST_MESSAGES)
            return Conversation(running.id, messages, running.overrides, running.mode, self._recordings.kept)

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        """Starts an empty conversation without a mode; the old one stays in the history."""
        async with self._database.unit_of_work() as work:
            await work.sessions.end_running(source, person)
            begun = await work.sessions.begin(source, person, display_name)
            return Conversation(begun.id, keeps_recordings=self._recordings.kept)

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

    async def keep_recording(self, heard: HeardMessage) -> None:
        """Raises TooLarge, OSError."""
        await self._recordings.keep(heard)

    async def count(self, source: TurnSource) -> int:
        """How many conversations are running at ``source``."""
        async with self._database.unit_of_work() as work:
            return (await work.sessions.list_running(source, 1, 0))[1]
