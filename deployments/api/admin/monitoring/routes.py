"""Routes of ``/monitor``: health, latency, errors, the machine and its GPUs."""

from fastapi import APIRouter
from starlette.responses import Response

from deployments.administration.monitoring.monitor import Monitor
from deployments.api.admin.monitoring.schemas import (
    ErrorsReport,
    GpuReport,
    HealthReport,
    MachineReport,
    MetricsReport,
    PhoneLinesReport,
    ResetReport,
)
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.server_sent_events import EventStream, EventStreamSlots

_GPU_PERIOD_S = 5.0


def build_router(monitor: Monitor, slots: EventStreamSlots, gpu_period_s: float = _GPU_PERIOD_S) -> APIRouter:
    router = APIRouter(prefix="/monitor", tags=["monitor"])

    @router.get("/gpu")
    async def gpu() -> GpuReport:
        return await monitor.gpu()

    @router.get("/gpu/stream", response_class=Response)
    async def gpu_stream() -> Response:
        """Streams server-sent events with the fields of ``/gpu``."""
        return EventStream(monitor.gpu_stream(gpu_period_s), slots)

    @router.get("/health")
    async def health() -> HealthReport:
        return await monitor.health()

    @router.get("/metrics")
    async def metrics() -> MetricsReport:
        return await monitor.metrics()

    @router.get("/phone")
    async def phone() -> PhoneLinesReport:
        """Phone lines now; the first sound and the silences of the last hour."""
        return monitor.phone()

    @router.get("/errors")
    async def errors() -> ErrorsReport:
        return await monitor.errors()

    @router.post("/metrics/reset")
    async def reset(caller: Caller) -> ResetReport:
        """Clears the latency history. Prometheus counters and the phrase cache stay."""
        return await monitor.reset(caller.username)

    @router.get("/system")
    async def system() -> MachineReport:
        return await monitor.system()

    return router
