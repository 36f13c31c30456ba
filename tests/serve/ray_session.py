"""The folder in which Ray keeps the logs of a running secretary."""

import re
from pathlib import Path

from tests.serve.secretary_process import SecretaryProcess


def ray_session_folder(secretary: SecretaryProcess) -> Path:
    """Where Ray writes its logs."""
    lines = (" ".join(process.cmdline()) for process in secretary.processes())
    (folder,) = {path[1] for line in lines if (path := re.search(r"(/\S*/session_[\d_-]+)", line))}
    return Path(folder)
