"""The client of the FAQ deployment."""

from typing import cast

from deployments.contracts.events import AnswerMatch
from deployments.contracts.match_report import StageReport
from deployments.remote import RemoteDeployment


class FaqClient:
    """Implements ``AnswerBook`` over the FAQ deployment."""

    def __init__(self, remote: RemoteDeployment) -> None:
        self._remote = remote

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return cast("AnswerMatch | None", await self._remote.call("lookup", text, locale, timeout_s=1))

    async def explain(self, text: str, locale: str | None) -> tuple[StageReport, ...]:
        return cast("tuple[StageReport, ...]", await self._remote.call("explain", text, locale, timeout_s=2))
