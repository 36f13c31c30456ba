"""Programs for child processes that print "up" when they run."""

from collections.abc import Callable

import psutil

StartProcess = Callable[..., psutil.Process]
"""``start_process(program, run_id)`` starts a child with this run id in its environment and waits until it runs."""

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
IGNORE_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
