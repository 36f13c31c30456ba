"""The status of bots: stored configuration and conversations, and the reports of the supervisor."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deployments.administration.bots.bot_sessions import BotSessions
from deployments.administration.bots.process_reports import BotProcessReport, BotProcessStatus, BotReportReader
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import BotSpec

_RUNNING = "running"


class BotStatusReader:
    """Asks the supervisor on every call. Without an answer the state is unknown."""

    def __init__(self, sessions: BotSessions, read_reports: BotReportReader) -> None:
        self._sessions = sessions
        self._reports = read_reports

    async def running_ids(self) -> frozenset[str] | None:
        """Ids of the running bots; None when the supervisor does not answer."""
        reports = await self._fetch_reports()
        return None if reports is None else frozenset(each.id for each in reports if each.state == _RUNNING)

    async def status_of(self, spec: BotSpec) -> BotProcessStatus:
        return (await self.statuses((spec,)))[0]

    async def statuses(self, specs: Sequence[BotSpec]) -> tuple[BotProcessStatus, ...]:
        """The status of each bot, with one question to the supervisor."""
        reports = await self._fetch_reports() if specs else ()
        return tuple([await self._status(spec, reports) for spec in specs])

    async def _status(self, spec: BotSpec, reports: Sequence[BotProcessReport] | None) -> BotProcessStatus:
        _, sessions = await self._sessions.list(spec.id, limit=1)
        state = BotProcessStatus(
            running=None,
            state="unknown",
            enabled=spec.enabled,
            has_token=bool(spec.sealed_token),
            active_sessions=sessions,
            access=spec.access,
            allowed_users_count=len(spec.allowed_users),
            admin_users_count=len(spec.admin_users),
        )
        if reports is None:
            return state
        report = next((each for each in reports if each.id == spec.id), None)
        return state.model_copy(update=_process_fields(report, spec))

    async def _fetch_reports(self) -> Sequence[BotProcessReport] | None:
        try:
            return await self._reports()
        except SecretaryError:
            return None


def _process_fields(report: BotProcessReport | None, spec: BotSpec) -> dict[str, object]:
    if report is None:
        return {"running": False, "state": "starting" if spec.enabled else "stopped"}
    fields = {
        name: getattr(report, name)
        for name in (
            "username",
            "error",
            "updates",
            "failures",
            "refused_id",
            "refused_name",
            "restarts",
            "last_update_at",
        )
    }
    current = report.version == spec.version
    return {
        **fields,
        "state": str(report.state),
        "running": report.state == _RUNNING,
        "current": current,
        "pid": report.pid or None,
        "started_at": report.started_at,
        "uptime_seconds": report.started_at and (datetime.now(UTC) - report.started_at).total_seconds(),
    }
