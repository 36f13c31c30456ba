"""Replies of ``/logs``."""

from deployments.administration.logs.log_files import LogFile, LogLevel, LogPage
from deployments.contracts.frozen_model import FrozenModel

__all__ = ["LogLevel", "LogList", "LogPage"]


class LogList(FrozenModel):
    """Log files, the last changed first."""

    logs: tuple[LogFile, ...]
