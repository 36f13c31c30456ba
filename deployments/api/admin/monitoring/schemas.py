"""Replies of ``/monitor``."""

from deployments.administration.monitoring.gpu import GpuReport
from deployments.administration.monitoring.machine import MachineReport
from deployments.administration.monitoring.monitor import ErrorsReport, HealthReport, MetricsReport, ResetReport

__all__ = ["ErrorsReport", "GpuReport", "HealthReport", "MachineReport", "MetricsReport", "ResetReport"]
