"""import-time: processor time of the imports of one process, with the garbage collector of `secretary up` and without.

`secretary up` starts about twenty processes; most of them import Ray and the packages of the secretary.
"""

import subprocess
import sys

from benchmarks.comparison import Spread, paired_ratios, run_interleaved
from benchmarks.process_tree import ROOT
from benchmarks.report import BenchmarkResult, ResultTable

DEFAULT, RAISED = "default threshold", "threshold of `secretary up`"
_PROGRAM = """
import resource, sys
if sys.argv[1] == "raised":
    from deployments.command.garbage_collection import reduce_gc_frequency
    reduce_gc_frequency()
import ray.serve, deployments.gateway, deployments.office
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime)
"""


def measure(quick: bool) -> BenchmarkResult:
    count = 2 if quick else 10
    arguments = {DEFAULT: "default", RAISED: "raised"}
    seconds = run_interleaved(list(arguments), count, lambda name: _import_s(arguments[name]))
    ratio = paired_ratios(seconds[RAISED], seconds[DEFAULT]).format(".2f", " x")
    table = ResultTable(
        "Processor time of the imports of one replica",
        ("garbage collector", "seconds", "of the default"),
        [
            (DEFAULT, Spread.of(seconds[DEFAULT]).format(), "1"),
            (RAISED, Spread.of(seconds[RAISED]).format(), ratio),
        ],
        (f"{count} passes in ABBA order, median (lowest–highest), ratios pass by pass.",),
    )
    return BenchmarkResult((table,), dict(seconds))


def _import_s(argument: str) -> float:
    command = [sys.executable, "-c", _PROGRAM, argument]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[-1])
