"""Replicas with real reconcilers and a fake cluster, for tests of services."""

from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DeploymentDetails, DesiredServiceState, ReplicaDetails, ReplicaReport
from deployments.contracts.speech import EngineStatus
from deployments.engines.replica_reconciler import ReplicaReconciler


class FakeReplicaHost:
    """A fake engine host. ``broken`` is its load error, ``model`` the model that it reports."""

    def __init__(self, service: str, model: str = "m-1") -> None:
        self.service = service
        self.loaded = True
        self.broken = ""
        self.model = model
        self.is_sleeper = False
        self.is_asleep = False
        self.naps = 0

    def can_sleep(self) -> bool:
        return self.is_sleeper and self.loaded

    def asleep(self) -> bool:
        return self.is_asleep

    async def sleep(self) -> None:
        self.is_asleep, self.naps = True, self.naps + 1

    async def wake(self) -> None:
        self.is_asleep = False

    def load(self) -> None:
        self.loaded = True

    async def unload(self) -> None:
        self.loaded = False

    def ongoing(self) -> int:
        return 2

    async def statuses(self) -> tuple[EngineStatus, ...]:
        ready = self.loaded and not self.broken and not self.is_asleep
        error = self.broken or ("asleep" if self.is_asleep else "")
        return (EngineStatus(self.service, "chat", "fake", ready, self.model, "r1", error, "mend it"),)


class RegistryLink:
    def __init__(self, register: ReplicaRegistry) -> None:
        self._register = register

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        return self._register.handle_report(report)


class FollowedReplica:
    """``async with``: a reconciler of ``service`` that reports every ten milliseconds."""

    def __init__(self, register: ReplicaRegistry, service: str, name: str) -> None:
        self.host = FakeReplicaHost(service)
        self._follower = ReplicaReconciler(
            RegistryLink(register), service, f"{service}#{name}", self.host, period_s=0.01
        )

    async def __aenter__(self) -> FakeReplicaHost:
        self._follower.start()
        return self.host

    async def __aexit__(self, *_: object) -> None:
        await self._follower.stop()


class FakeCluster:
    def __init__(self, *facts: DeploymentDetails) -> None:
        self.facts = facts
        self.unavailable = False

    async def deployments(self) -> tuple[DeploymentDetails, ...]:
        if self.unavailable:
            raise Unavailable("Serve does not say")
        return self.facts


def deployment_facts(
    name: str, pid: int | None = None, *, num_gpus: float = 0.0, state: str = "RUNNING"
) -> DeploymentDetails:
    return DeploymentDetails("secretary", name, "HEALTHY", "", num_gpus, (ReplicaDetails("r1", state, pid, 1.0),))
