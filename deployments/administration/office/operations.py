"""Builds the services that operate the installation (services, monitor, logs, models, backups) and closes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.backup.backups import Backups
from deployments.administration.llm.local_models import LocalModels
from deployments.administration.llm.model_switch import ModelSwitch
from deployments.administration.logs.log_files import LogFiles
from deployments.administration.models.downloads import Downloads, build_puller
from deployments.administration.models.hub_browser import HubBrowser
from deployments.administration.models.service import ModelAdministration
from deployments.administration.monitoring.gpu import GpuMonitor
from deployments.administration.monitoring.machine import Machine
from deployments.administration.monitoring.monitor import Monitor
from deployments.administration.office.composition import OfficeServices
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.administration.services.service_control import ServiceControl
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.services import ClusterControl
from deployments.models.catalogue import load_catalogue
from deployments.models.installed import installed_models
from deployments.models.store import ModelStore
from deployments.models.web_access import ModelWebAccess
from storage.backup_archive import VOICES


@dataclass(frozen=True)
class OperationsServices:
    """Built by ``open_operations``. The caller of ``open_operations`` closes them, before the office."""

    replica_registry: ReplicaRegistry
    services: ServiceControl
    local_models: LocalModels
    monitor: Monitor
    logs: LogFiles
    models: ModelAdministration
    gpus: GpuMonitor
    backups: Backups
    audit_recorder: AuditRecorder

    async def close(self) -> None:
        """Stops a running download and scan; waits for running service actions and audit records."""
        await self.models.close()
        await self.local_models.switch.close()
        await self.services.close()
        await self.audit_recorder.close()
        self.monitor.close()
        self.gpus.close()


@dataclass(frozen=True, slots=True)
class OperationsDependencies:
    """What the operations need from their process. ``services`` maps the name of each stoppable service to its kind.
    ``queues`` and ``exposition`` are called in threads. ``environment`` names the model hub (HF_ENDPOINT, HF_TOKEN),
    ``model_hosts`` further hosts that models may be downloaded from."""

    data: Path
    models: Path
    cluster: ClusterControl
    services: Mapping[str, str]
    queues: Callable[[], Mapping[str, float]]
    exposition: Callable[[], bytes]
    environment: Mapping[str, str]
    model_hosts: tuple[AllowedHost, ...] = ()


async def open_operations(office: OfficeServices, dependencies: OperationsDependencies) -> OperationsServices:
    """Reads the stored service states; starts nothing."""
    recorder, registry, gpus = AuditRecorder(office.database), ReplicaRegistry(), GpuMonitor()
    services = ServiceControl(
        office.database, registry, dependencies.cluster, dependencies.services, dependencies.queues
    )
    await services.open()
    store = ModelStore(dependencies.models)
    switch = ModelSwitch(office.database, registry, services, dependencies.services, store)
    await switch.open()
    machine = Machine({"data": dependencies.data, "models": dependencies.models})
    logs = LogFiles(dependencies.data / "logs")
    web = model_web_client(office, dependencies.environment, dependencies.model_hosts)
    return OperationsServices(
        replica_registry=registry,
        services=services,
        local_models=LocalModels(switch, registry, store, load_catalogue()),
        monitor=Monitor(services, office.report_ingest, recorder, machine, gpus, dependencies.exposition, logs=logs),
        logs=logs,
        models=ModelAdministration(
            store,
            load_catalogue(),
            recorder,
            HubBrowser(web),
            Downloads(store, build_puller(web)),
            registry.models_in_use,
        ),
        gpus=gpus,
        backups=Backups(
            office.database,
            dependencies.data,
            dependencies.models / VOICES,
            lambda: installed_models(store),
            recorder,
        ),
        audit_recorder=recorder,
    )


def model_web_client(
    office: OfficeServices, environment: Mapping[str, str], hosts: tuple[AllowedHost, ...]
) -> ModelWebAccess:
    """The client for model downloads, which applies the outbound settings at each request."""
    return ModelWebAccess.from_environment(environment, hosts, lambda: office.publisher.current.settings.outbound)
