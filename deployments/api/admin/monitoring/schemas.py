"""Replies of ``/monitor``."""

from deployments.administration.monitoring.gpu import GpuReport
from deployments.administration.monitoring.machine import MachineReport
from deployments.administration.monitoring.monitor import ErrorsReport, HealthReport, MetricsReport, ResetReport
from deployments.administration.monitoring.phone_lines import PhoneLinesReport

__all__ = [
    "ErrorsReport",
    "GpuReport",
    "HealthReport",
    "MachineReport",
    "MetricsReport",
    "PhoneLinesReport",
    "ResetReport",
]
