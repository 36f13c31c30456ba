"""Every replica that can be stopped, as it last spoke, and what the office wants of it."""

import time
from collections.abc import Callable, Mapping

from deployments.contracts.services import DesiredServiceState, ReplicaReport

_FRESH_S = 5.0
_FORGOTTEN_S = 60.0


class ReplicaRegistry:
    """Hears reports and answers with orders. A restart takes the replicas of a service one after the other, so that one
    with several never stops answering."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._orders: dict[str, DesiredServiceState] = {}
        self._heard: dict[str, tuple[float, ReplicaReport]] = {}
        self._turns: dict[str, str] = {}
        self._lost: dict[str, int] = {}

    def order_for(self, service: str) -> DesiredServiceState:
        return self._orders.get(service, DesiredServiceState())

    def set_order(self, service: str, order: DesiredServiceState) -> None:
        """From now on every replica of ``service`` hears ``order``."""
        self._orders[service] = order
        self._turns.pop(service, None)

    def handle_report(self, report: ReplicaReport) -> DesiredServiceState:
        """Remembers ``report`` and says what its replica is to do."""
        self._heard[report.replica] = (self._clock(), report)
        self._forget()
        order, turn = self.order_for(report.service), self._turns.get(report.service)
        if not _behind(report, order):
            if turn == report.replica and report.state in ("running", "failed"):
                del self._turns[report.service]
            return order
        if turn is None or not self._is_fresh(turn):
            turn = self._turns[report.service] = report.replica
        return order if turn == report.replica else order.model_copy(update={"generation": report.generation})

    def replicas(self, service: str) -> tuple[ReplicaReport, ...]:
        """Replicas that spoke within the last seconds, by name."""
        fresh = (report for name, (_, report) in sorted(self._heard.items()) if self._is_fresh(name))
        return tuple(report for report in fresh if report.service == service)

    def models_in_use(self) -> Mapping[str, str]:
        """Model ids, each with the service that has it in memory or is loading it."""
        reports = [report for name, (_, report) in self._heard.items() if self._is_fresh(name)]
        busy = (report for report in reports if report.state != "stopped")
        return {model.strip(): report.service for report in busy for model in report.model.split(",") if model.strip()}

    def lost_replica_count(self, service: str) -> int:
        """How many replicas of ``service`` fell silent for good since the office is open."""
        self._forget()
        return self._lost.get(service, 0)

    def _is_fresh(self, replica: str) -> bool:
        heard = self._heard.get(replica)
        return heard is not None and heard[0] >= self._clock() - _FRESH_S

    def _forget(self) -> None:
        since = self._clock() - _FORGOTTEN_S
        for name in [name for name, (at, _) in self._heard.items() if at < since]:
            service = self._heard.pop(name)[1].service
            self._lost[service] = self._lost.get(service, 0) + 1


def _behind(report: ReplicaReport, order: DesiredServiceState) -> bool:
    """Whether the replica is loaded and has yet to load anew."""
    return order.loaded and report.state != "stopped" and 0 <= report.generation < order.generation
