"""Replicas and a cluster for tests of services: real followers, real register, a cluster that says what it is told."""

from deployments.administration.replicas import ReplicaRegister
from deployments.contracts.errors import Unavailable
from deployments.contracts.services import DeploymentFacts, ReplicaFacts, ReplicaReport, ServiceOrder
from deployments.contracts.speech import EngineStatus
from deployments.engines.following import ServiceFollower


class Room:
    """Hosts nothing; ``broken`` makes it fail to load, ``model`` is what it says it has."""

    def __init__(self, service: str, model: str = "m-1") -> None:
        self.service = service
        self.loaded = True
        self.broken = ""
        self.model = model

    def load(self) -> None:
        self.loaded = True

    async def unload(self) -> None:
        self.loaded = False

    def ongoing(self) -> int:
        return 2

    async def statuses(self) -> tuple[EngineStatus, ...]:
        ready = self.loaded and not self.broken
        return (EngineStatus(self.service, "chat", "fake", ready, self.model, "r1", self.broken, "mend it"),)


class Link:
    def __init__(self, register: ReplicaRegister) -> None:
        self._register = register

    async def beat(self, report: ReplicaReport) -> ServiceOrder:
        return self._register.heard(report)


class Replica:
    """``async with``: a follower of ``service`` that beats every ten milliseconds."""

    def __init__(self, register: ReplicaRegister, service: str, name: str) -> None:
        self.room = Room(service)
        self._follower = ServiceFollower(Link(register), service, f"{service}#{name}", self.room, period_s=0.01)

    async def __aenter__(self) -> Room:
        self._follower.start()
        return self.room

    async def __aexit__(self, *_: object) -> None:
        await self._follower.stop()


class Cluster:
    def __init__(self, *facts: DeploymentFacts) -> None:
        self.facts = facts
        self.away = False

    async def deployments(self) -> tuple[DeploymentFacts, ...]:
        if self.away:
            raise Unavailable("Serve does not say")
        return self.facts


def deployment(name: str, pid: int | None = None, *, num_gpus: float = 0.0, state: str = "RUNNING") -> DeploymentFacts:
    return DeploymentFacts("secretary", name, "HEALTHY", "", num_gpus, (ReplicaFacts("r1", state, pid, 1.0),))
