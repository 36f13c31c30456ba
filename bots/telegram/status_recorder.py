"""Records the status of a bot inside its process."""

import os
from dataclasses import replace
from datetime import UTC, datetime

from bots.bot_status import BotState, BotStatus


class StatusRecorder:
    """Holds the current BotStatus and replaces it on every change."""

    def __init__(self, bot_id: str, version: int) -> None:
        self._status = BotStatus(id=bot_id, version=version, pid=os.getpid(), started_at=datetime.now(UTC))

    @property
    def status(self) -> BotStatus:
        return self._status

    def mark_running(self, username: str) -> None:
        self._status = replace(self._status, state=BotState.RUNNING, username=username, error="")

    def mark_state(self, state: BotState, error: str) -> None:
        self._status = replace(self._status, state=state, error=error)

    def mark_stopped(self) -> None:
        if self._status.state is not BotState.REJECTED:
            self._status = replace(self._status, state=BotState.STOPPED)

    def count_update(self) -> None:
        now = datetime.now(UTC)
        self._status = replace(self._status, updates=self._status.updates + 1, last_update_at=now)

    def note_refused(self, user_id: int, name: str) -> None:
        self._status = replace(self._status, refused_id=user_id, refused_name=name)

    def count_failure(self, error: str) -> None:
        self._status = replace(self._status, failures=self._status.failures + 1, last_failure=error)
