"""Python imports this module by its name before anything else, in each process that `secretary up` starts: this folder
is the first on their path (https://docs.python.org/3/library/site.html#module-sitecustomize)."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

from deployments.command.garbage_collection import reduce_gc_frequency


def _run_the_one_behind_this() -> None:
    """Python runs the first it finds only; that of the machine or of a debugger counts too."""
    here = Path(__file__).parent
    spec = PathFinder.find_spec(__name__, [entry for entry in sys.path if Path(entry) != here])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


reduce_gc_frequency()
_run_the_one_behind_this()
