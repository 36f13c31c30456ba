"""Remembers which model a deployment hosts instead of that of the graph, for the next start on this machine."""

import os
from pathlib import Path

_MAX_LENGTH = 100


def hosted_models_folder(run_dir: Path) -> Path:
    return run_dir / "hosted-models"


class HostedModelFile:
    """One file per deployment with the id of its model. No file: the model of the graph."""

    def __init__(self, folder: Path, deployment: str) -> None:
        self._path = folder / deployment

    def read(self) -> str:
        """The id of the model, "" without a file or with an unreadable one."""
        try:
            return self._path.read_text(encoding="utf-8")[:_MAX_LENGTH].strip()
        except (OSError, ValueError):
            return ""

    def write(self, model: str) -> None:
        if not model:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        temporary.write_text(model, encoding="utf-8")
        os.replace(temporary, self._path)
