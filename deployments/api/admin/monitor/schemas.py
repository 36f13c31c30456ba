"""Answers of ``/monitor``: the administration's own reports, named here for the API's description."""

from deployments.administration.gpu import GpuReport
from deployments.administration.machine import MachineReport
from deployments.administration.monitor import ErrorsReport, HealthReport, MetricsReport, ResetReport

__all__ = ["ErrorsReport", "GpuReport", "HealthReport", "MachineReport", "MetricsReport", "ResetReport"]
