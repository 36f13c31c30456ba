"""Last report of every replica that can be stopped, and the desired state of its service."""

import time
from collections.abc import Callable, Mapping

from deployments.contracts.services import DesiredServiceState, ReplicaReport

_REPORT_TTL_S = 5.0
_LOST_AFTER_S = 60.0


class ReplicaRegistry:
    """Answers replica reports with the desired state. A restart reloads the replicas of a service one after the other,
    and so does another model, so that a service with several replicas stays available."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._desired_states: dict[str, DesiredServiceState] = {}
        self._reports: dict[str, tuple[float, ReplicaReport]] = {}
        self._reloading: dict[str, str] = {}
        self._lost_counts: dict[str, int] = {}

    def desired_state_of(self, service: str) -> DesiredServiceState:
        return self._desired_states.get(service, DesiredServiceState())

    def set_desired_state(self, service: str, state: DesiredServiceState) -> None:
        """Sets the desired state of every replica of ``service``."""
        self._desired_states[service] = state
        self._reloading.pop(service, None)

    def handle_report(self, report: ReplicaReport) -> DesiredServiceState:
        """Stores ``report`` and returns the desired state for its replica."""
        self._reports[report.replica] = (self._clock(), report)
        self._remove_lost()
        desired, reloading = self.desired_state_of(report.service), self._reloading.get(report.service)
        if not _needs_reload(report, desired):
            if reloading == report.replica and report.state in ("running", "failed", "sleeping"):
                del self._reloading[report.service]
            return desired
        if reloading is None or not self._is_fresh(reloading):
            reloading = self._reloading[report.service] = report.replica
        if reloading == report.replica:
            return desired
        applied = {"generation": report.generation, "switch": report.switch, "model": report.wanted_model}
        return desired.model_copy(update=applied)

    def replicas(self, service: str) -> tuple[ReplicaReport, ...]:
        """Returns the last reports of the replicas that reported within five seconds, by name."""
        fresh = (report for name, (_, report) in sorted(self._reports.items()) if self._is_fresh(name))
        return tuple(report for report in fresh if report.service == service)

    def models_in_use(self) -> Mapping[str, str]:
        """Maps the ids of loaded or loading models to their services."""
        reports = [report for name, (_, report) in self._reports.items() if self._is_fresh(name)]
        busy = [report for report in reports if report.state != "stopped"]
        loaded = {model.strip(): each.service for each in busy for model in each.model.split(",") if model.strip()}
        wanted = {each.model: name for name, each in self._desired_states.items() if each.model and each.loaded}
        return wanted | loaded

    def lost_replica_count(self, service: str) -> int:
        """Returns how many replicas of ``service`` have stopped reporting for good since the office started."""
        self._remove_lost()
        return self._lost_counts.get(service, 0)

    def _is_fresh(self, replica: str) -> bool:
        last = self._reports.get(replica)
        return last is not None and last[0] >= self._clock() - _REPORT_TTL_S

    def _remove_lost(self) -> None:
        since = self._clock() - _LOST_AFTER_S
        for name in [name for name, (at, _) in self._reports.items() if at < since]:
            service = self._reports.pop(name)[1].service
            self._lost_counts[service] = self._lost_counts.get(service, 0) + 1


def _needs_reload(report: ReplicaReport, desired: DesiredServiceState) -> bool:
    """A replica that has applied a state before. It reloads for a later generation, or for another model."""
    if not desired.loaded or report.state == "stopped" or report.generation < 0:
        return False
    other_model = report.hosted is not None and report.hosted.model != desired.model
    return report.generation < desired.generation or (other_model and report.switch < desired.switch)
