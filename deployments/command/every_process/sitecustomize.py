"""Sets the garbage collector in each process of ``secretary up``, before anything else is imported.

Python imports the first module of this name on its path (https://docs.python.org/3/library/site.html).
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

from deployments.command.garbage_collection import reduce_gc_frequency


def _run_next_sitecustomize() -> None:
    """Runs the ``sitecustomize`` that this one hides, for example that of a debugger."""
    here = Path(__file__).parent
    spec = PathFinder.find_spec(__name__, [entry for entry in sys.path if Path(entry) != here])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


reduce_gc_frequency()
_run_next_sitecustomize()
