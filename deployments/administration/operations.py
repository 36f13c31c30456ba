"""Everything that keeps the secretary running: services, monitor, logs and models, opened and closed together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.administration.backups import Backups
from deployments.administration.downloads import Downloads, puller
from deployments.administration.gpu import GpuMonitor
from deployments.administration.hub import HubDesk
from deployments.administration.logs import LogFiles
from deployments.administration.machine import Machine
from deployments.administration.models import ModelAdministration
from deployments.administration.monitor import Monitor
from deployments.administration.office import Office
from deployments.administration.replicas import ReplicaRegister
from deployments.administration.services import ServiceControl
from deployments.administration.trail import AuditNotes
from deployments.contracts.outbound import Allowance
from deployments.contracts.services import ClusterControl
from deployments.models.catalogue import catalogue
from deployments.models.installed import installed_models
from deployments.models.store import ModelStore
from deployments.models.web import Web


@dataclass(frozen=True)
class Operations:
    """``open_operations`` makes one; whoever opened it closes it, before the office."""

    register: ReplicaRegister
    services: ServiceControl
    monitor: Monitor
    logs: LogFiles
    models: ModelAdministration
    gpus: GpuMonitor
    backups: Backups
    trail: AuditNotes

    async def close(self) -> None:
        """Ends a download and a scan under way; waits for orders and noted deeds under way."""
        await self.models.close()
        await self.services.close()
        await self.trail.close()
        self.monitor.close()
        self.gpus.close()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the operations need of their process. ``services`` maps what can be stopped to kinds; ``queues`` and
    ``exposition`` are read in threads; ``environment`` names the hub (HF_ENDPOINT, HF_TOKEN), ``model_hosts`` mirrors
    and other places of the operator's own that models may come from."""

    data: Path
    models: Path
    cluster: ClusterControl
    services: Mapping[str, str]
    queues: Callable[[], Mapping[str, float]]
    exposition: Callable[[], bytes]
    environment: Mapping[str, str]
    model_hosts: tuple[Allowance, ...] = ()


async def open_operations(office: Office, around: Surroundings) -> Operations:
    """Reads the stored orders; nothing runs yet."""
    trail, register, gpus = AuditNotes(office.database), ReplicaRegister(), GpuMonitor()
    services = ServiceControl(office.database, register, around.cluster, around.services, around.queues)
    await services.open()
    machine = Machine({"data": around.data, "models": around.models})
    store, web = ModelStore(around.models), web_of(office, around.environment, around.model_hosts)
    return Operations(
        register=register,
        services=services,
        monitor=Monitor(services, office.reports, trail, machine, gpus, around.exposition),
        logs=LogFiles(around.data / "logs"),
        models=ModelAdministration(
            store, catalogue(), trail, HubDesk(web), Downloads(store, puller(web)), register.models_in_use
        ),
        gpus=gpus,
        backups=Backups(office.database, around.data, lambda: installed_models(store), trail),
        trail=trail,
    )


def web_of(office: Office, environment: Mapping[str, str], hosts: tuple[Allowance, ...]) -> Web:
    """Where models may come from, under the settings in force at each request."""
    return Web.of(environment, hosts, lambda: office.publisher.current.settings.outbound)
