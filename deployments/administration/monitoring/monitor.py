"""Monitoring reports: health of services, latency, counters, errors, the machine and its GPUs."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.logs.log_files import LevelCount, LogFiles
from deployments.administration.monitoring.gpu import GpuMonitor, GpuReport
from deployments.administration.monitoring.machine import CpuFacts, Machine, MachineReport, MemoryFacts
from deployments.administration.monitoring.phone_lines import PhoneLinesReport
from deployments.administration.monitoring.prometheus_samples import sum_samples_by_label
from deployments.administration.office.report_ingest import DoorState, ReportIngest
from deployments.administration.office.thread_pools import SharedCall
from deployments.administration.services.service_control import ServiceControl, ServiceView
from deployments.contracts.commands import secretary_command
from deployments.contracts.frozen_model import FrozenModel

_RECENT_MINUTES = 15
_LOG_PERIOD = timedelta(hours=1)
_SERVE = "serve"
_SERVE_REMEDY = (
    "wait until Ray has restarted the Serve controller; if it does not, run "
    f"{secretary_command('down')}, then {secretary_command('up')}"
)


class ComponentHealth(FrozenModel):
    status: str
    detail: str | None = None
    remedy: str | None = None


class HealthReport(FrozenModel):
    """``degraded``: a service that should run does not, or the cluster does not answer; then the component ``serve`` is
    ``unknown``. Services stopped by an administrator do not count."""

    overall: Literal["healthy", "degraded"]
    components: dict[str, ComponentHealth]
    timestamp: datetime


class StageSummary(FrozenModel):
    """Latency of the last minutes in milliseconds. ``p95_ms`` is that of the worst minute."""

    stage: str
    route: str
    count: int
    p50_ms: float
    p95_ms: float


class CounterTotals(FrozenModel):
    """Totals since the start of the secretary, over all processes."""

    requests_by_status: dict[str, float]
    tokens: dict[str, float]
    phrase_cache: dict[str, float]
    ready_phrase_lookups: dict[str, float]
    ready_phrases: dict[str, float] = Field(description="Now, by state")
    line_underruns: dict[str, float] = Field(description="Silences on phone lines: suffered, or avoided")
    live_streams: dict[str, float]


class SystemLoad(FrozenModel):
    cpu: CpuFacts
    memory: MemoryFacts


class MetricsReport(FrozenModel):
    system: SystemLoad
    doors: tuple[DoorState, ...]
    latency: tuple[StageSummary, ...]
    counts: CounterTotals
    timestamp: datetime


class ServiceError(FrozenModel):
    message: str
    remedy: str | None


class ErrorsReport(FrozenModel):
    errors: dict[str, ServiceError] = Field(description="Services that report an error")
    last_hour: tuple[LevelCount, ...] = Field(
        default=(), description="Warnings and errors in the logs of the last hour"
    )
    timestamp: datetime


class ResetReport(FrozenModel):
    status: Literal["reset"] = "reset"
    latency_points: int
    message: str


class Monitor:
    """Builds monitoring reports. ``exposition`` returns the Prometheus text; it is called in a thread. Reading GPUs
    times out after ``gpu_timeout_s``. Errors are counted in ``logs``. The owner calls ``close``."""

    def __init__(
        self,
        services: ServiceControl,
        reports: ReportIngest,
        audit_recorder: AuditRecorder,
        machine: Machine,
        gpus: GpuMonitor,
        exposition: Callable[[], bytes],
        gpu_timeout_s: float = 5.0,
        logs: LogFiles | None = None,
    ) -> None:
        self._services = services
        self._reports = reports
        self._audit_recorder = audit_recorder
        self._machine = machine
        self._gpus = SharedCall("nvml", gpus.read, gpu_timeout_s)
        self._exposition = exposition
        self._logs = logs

    async def gpu(self) -> GpuReport:
        """Reads the GPUs. ``available`` is False, with the reason, if there is none or the driver does not answer in
        time."""
        try:
            return await self._gpus.result()
        except TimeoutError:
            return GpuReport(available=False, reason="the driver does not answer", timestamp=datetime.now(UTC))

    async def gpu_stream(self, period_s: float) -> AsyncGenerator[GpuReport]:
        """Yields a report now and every ``period_s`` seconds."""
        while True:
            yield await self.gpu()
            await asyncio.sleep(period_s)

    async def system(self) -> MachineReport:
        return await asyncio.to_thread(self._machine.report)

    async def health(self) -> HealthReport:
        status = await self._services.status()
        components = {name: _health(view) for name, view in status.services.items()}
        if status.cluster_error:
            components[_SERVE] = ComponentHealth(status="unknown", detail=status.cluster_error, remedy=_SERVE_REMEDY)
        healthy = not status.cluster_error and all(_is_as_desired(view) for view in status.services.values())
        return HealthReport(
            overall="healthy" if healthy else "degraded", components=components, timestamp=datetime.now(UTC)
        )

    async def metrics(self) -> MetricsReport:
        text = await asyncio.to_thread(self._exposition)
        counts = CounterTotals(
            requests_by_status=dict(sum_samples_by_label(text, "secretary_http_requests_total", "status")),
            tokens=dict(sum_samples_by_label(text, "secretary_tokens_total", "direction")),
            phrase_cache=dict(sum_samples_by_label(text, "secretary_phrase_cache_total", "result")),
            ready_phrase_lookups=dict(sum_samples_by_label(text, "secretary_ready_phrase_lookups_total", "result")),
            ready_phrases=dict(sum_samples_by_label(text, "secretary_ready_phrases", "state")),
            line_underruns=dict(sum_samples_by_label(text, "secretary_line_underruns_total", "result")),
            live_streams=dict(sum_samples_by_label(text, "secretary_live_streams", "kind")),
        )
        return MetricsReport(
            system=SystemLoad(cpu=self._machine.cpu(), memory=self._machine.memory()),
            doors=self._reports.doors(),
            latency=self._latency(),
            counts=counts,
            timestamp=datetime.now(UTC),
        )

    def phone(self) -> PhoneLinesReport:
        return self._reports.phone_lines()

    async def errors(self) -> ErrorsReport:
        status = await self._services.status()
        found = {
            name: ServiceError(message=view.last_error, remedy=view.remedy)
            for name, view in status.services.items()
            if view.last_error
        }
        if status.cluster_error:
            found[_SERVE] = ServiceError(message=status.cluster_error, remedy=_SERVE_REMEDY)
        return ErrorsReport(errors=found, last_hour=await self.logged_errors(), timestamp=datetime.now(UTC))

    async def logged_errors(self) -> tuple[LevelCount, ...]:
        """Counts the warnings and errors in the logs of the last hour."""
        if self._logs is None:
            return ()
        return await asyncio.to_thread(self._logs.count_levels, datetime.now(UTC) - _LOG_PERIOD)

    async def reset(self, username: str) -> ResetReport:
        """Clears the latency history of the panel. Prometheus counters and the phrase cache stay."""

        async def reset() -> int:
            await self._audit_recorder.record(username, "reset", "metrics")
            return self._reports.clear_latency()

        dropped = await self._audit_recorder.run_shielded(reset)
        message = "The latency history is cleared; Prometheus counters and the phrase cache are unchanged."
        return ResetReport(latency_points=dropped, message=message)

    def close(self) -> None:
        """Stops reading GPUs."""
        self._gpus.close()

    def _latency(self) -> tuple[StageSummary, ...]:
        grouped: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
        for point in self._reports.latency(_RECENT_MINUTES):
            grouped.setdefault((point.stage, point.route), []).append((point.count, point.p50_ms, point.p95_ms))
        return tuple(_summary(stage, route, points) for (stage, route), points in sorted(grouped.items()))


def _summary(stage: str, route: str, points: list[tuple[int, float, float]]) -> StageSummary:
    count = sum(n for n, _, _ in points)
    p50_ms = sum(n * p50 for n, p50, _ in points) / count
    p95_ms = max(p95 for _, _, p95 in points)
    return StageSummary(stage=stage, route=route, count=count, p50_ms=round(p50_ms, 2), p95_ms=p95_ms)


def _is_as_desired(view: ServiceView) -> bool:
    return view.status == view.wanted or (view.wanted == "stopped" and view.status == "stopping")


def _health(view: ServiceView) -> ComponentHealth:
    status = {"running": "healthy", "stopped": "stopped"}.get(view.status, view.status)
    return ComponentHealth(status=status, detail=view.last_error, remedy=view.remedy)
