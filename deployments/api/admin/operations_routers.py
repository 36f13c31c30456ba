"""Routers for operating the secretary: services, monitoring, logs, models and backups."""

from fastapi import APIRouter

from deployments.administration.office.operations import OperationsServices
from deployments.api.admin.backup import routes as backup
from deployments.api.admin.logs import routes as logs
from deployments.api.admin.models import routes as models
from deployments.api.admin.monitoring import routes as monitor
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.api.admin.services import routes as services


def operations_routers(operations: OperationsServices, slots: EventStreamSlots) -> tuple[APIRouter, ...]:
    """Returns the routers of ``/services``, ``/monitor``, ``/logs``, ``/models`` and ``/backup``. Their event streams
    share ``slots``."""
    return (
        services.build_router(operations.services),
        monitor.build_router(operations.monitor, slots),
        logs.build_router(operations.logs, slots),
        models.build_router(operations.models),
        backup.build_router(operations.backups),
    )
