"""hostile: what the worst attack of each class costs others: delay, memory and work without its sender."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import API_KEY, DEMO_GRAPH, secretary_server, wait_for_secretary
from tests.hostile.bystander import Bystander
from tests.hostile.corpus.classes import CLASSES
from tests.hostile.measurement import MAX_DELAY_S, MAX_GROWTH_MB, MAX_WORK_AFTER_S, Cost, measure_idle
from tests.hostile.measurement import measure as measure_attack
from tests.hostile.target import Target

_PASSES = 3


def measure_classes(target: Target, passes: int) -> dict[str, list[Cost]]:
    """The costs of every attack, by class."""
    costs: dict[str, list[Cost]] = {kind: [] for kind in CLASSES}
    with Bystander(target.port) as bystander:
        idle = measure_idle(target, bystander)
        for _ in range(passes):
            for kind, attacks in CLASSES.items():
                costs[kind] += [
                    measure_attack(target, bystander, idle, attack.name, attack.send) for attack in attacks()
                ]
    return costs


def _measure(quick: bool) -> dict[str, list[Cost]]:
    with (
        TemporaryDirectory(prefix="secretary-bench-") as name,
        secretary_server("secretary", Path(name) / "data", DEMO_GRAPH) as server,
    ):
        wait_for_secretary(server)
        target = Target(f"http://127.0.0.1:{server.port}", API_KEY, server.processes)
        return measure_classes(target, 1 if quick else _PASSES)


def measure(quick: bool) -> BenchmarkResult:
    costs = _measure(quick)
    table = ResultTable(
        "The worst attack of each class against a running demo",
        (
            "",
            f"longest delay of a bystander, target ≤ {MAX_DELAY_S * 1000:.0f} ms",
            f"most growth of a process, target ≤ {MAX_GROWTH_MB:.0f} MB",
            f"work after its sender left, target ≤ {MAX_WORK_AFTER_S:.0f} s",
        ),
        [_row(kind, found) for kind, found in costs.items()],
        (
            "A bystander asks /health, /admin/auth/status and /phone/health every 50 ms; the delay is beyond the "
            "median of an idle secretary and beyond what a server that only answers took at the same time.",
            f"{1 if quick else _PASSES} passes; the attacks are those of tests/hostile/corpus.",
        ),
    )
    return BenchmarkResult((table,), {kind: [asdict(cost) for cost in found] for kind, found in costs.items()})


def _row(kind: str, costs: list[Cost]) -> tuple[str, ...]:
    delayed, grown, working = (
        max(costs, key=lambda cost: cost.delay_s),
        max(costs, key=lambda cost: cost.growth_mb),
        max(costs, key=lambda cost: cost.work_after_s),
    )
    return (
        kind,
        f"{delayed.delay_s * 1000:.0f} ms ({delayed.name})",
        f"{grown.growth_mb:.0f} MB ({grown.name})",
        f"{working.work_after_s:.1f} s ({working.name})",
    )
