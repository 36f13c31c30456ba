"""A replica of the local model that reports to the office of the panel."""

from deployments.administration.office.operations import OperationsServices
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.engines.replica_reconciler import ReplicaReconciler
from tests.unit.administration.switching_replica import SwitchableHost


class OperationsLink:
    def __init__(self, operations: OperationsServices) -> None:
        self._operations = operations

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        desired = self._operations.replica_registry.handle_report(report)
        await self._operations.local_models.switch.observe(report)
        return desired


class PanelReplica:
    """``async with``: a replica of ``chat`` that reports every ten milliseconds."""

    def __init__(self, operations: OperationsServices) -> None:
        self.host = SwitchableHost()
        self._reconciler = ReplicaReconciler(OperationsLink(operations), "chat", "chat#1", self.host, period_s=0.01)

    async def __aenter__(self) -> SwitchableHost:
        self._reconciler.start()
        return self.host

    async def __aexit__(self, *_: object) -> None:
        await self._reconciler.stop()
