"""Answers of ``/logs``."""

from deployments.administration.logs import Level, LogFile, LogPage
from deployments.contracts.frozen import Frozen

__all__ = ["Level", "LogList", "LogPage"]


class LogList(Frozen):
    """The file changed last comes first."""

    logs: tuple[LogFile, ...]
