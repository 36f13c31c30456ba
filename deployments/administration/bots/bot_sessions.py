"""Running conversations of Telegram bots: list and end them."""

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import NotFound
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.sessions import RunningSession


class BotSessions:
    """An ended conversation stays in the history; the next message of the person starts a new one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, bot_id: str, limit: int = 100, offset: int = 0) -> tuple[tuple[RunningSession, ...], int]:
        """One page of running conversations, the most recently used first, and the total count."""
        async with self._database.unit_of_work() as work:
            return await work.sessions.list_running(TurnSource(SourceKind.TELEGRAM, bot_id), limit, offset)

    async def end(self, bot_id: str, person: str | None, by: str) -> int:
        """Ends the running conversation of ``person``, or all of the bot, and returns how many. Raises NotFound when
        the person has none."""
        async with self._database.unit_of_work() as work:
            ended = await work.sessions.end_all(TurnSource(SourceKind.TELEGRAM, bot_id), person)
            if person is not None and not ended:
                raise NotFound("this person has no running conversation with the bot")
            await work.audit.add(AuditEvent(by, "end", "chat_session", bot_id, detail=f"{ended} conversations"))
            return ended
