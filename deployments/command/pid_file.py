"""The note that a running secretary leaves in its data folder, so that ``status`` and ``down`` find it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict

from deployments.command.process_control import is_alive
from deployments.contracts.errors import Conflict


class PidFile(BaseModel):
    """``began`` is when that process began, see ``began_at``: numbers of processes are given out again."""

    model_config = ConfigDict(frozen=True)

    pid: int
    run_id: str
    host: str
    port: int
    began: int | None = None

    @classmethod
    def of_this_process(cls, run_id: str, host: str, port: int) -> Self:
        """The note of this very process."""
        return cls(pid=os.getpid(), run_id=run_id, host=host, port=port, began=process_start_ticks(os.getpid()))

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"http://{host}:{self.port}"

    @property
    def alive(self) -> bool:
        try:
            return is_alive(psutil.Process(self.pid)) and self.began in (None, process_start_ticks(self.pid))
        except psutil.Error:
            return False

    @property
    def verified(self) -> bool:
        """Whether the process of that number is known to be the secretary, so that it may be ended."""
        return self.began is not None and self.alive


def process_start_ticks(pid: int) -> int | None:
    """When a process began, in ticks since the machine did (proc(5), stat, field 22): unlike a time of day it stays the
    same when the clock is set. None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat.rpartition(b")")[2].split()[19])


def read_pid_file(run_dir: Path) -> PidFile | None:
    """The note of the last start, whether that process still lives or not."""
    try:
        return PidFile.model_validate_json((run_dir / "secretary.json").read_text())
    except (OSError, ValueError):
        return None


def write_pid_file(run_dir: Path, pid_file: PidFile) -> None:
    temporary = run_dir / "secretary.json.new"
    temporary.write_text(json.dumps(pid_file.model_dump()))
    os.replace(temporary, run_dir / "secretary.json")


def remove_pid_file(run_dir: Path) -> None:
    (run_dir / "secretary.json").unlink(missing_ok=True)


@contextmanager
def lock_data_folder(run_dir: Path) -> Iterator[None]:
    """Holds the data folder for this process. Raises Conflict when another secretary has it."""
    for folder in (run_dir.parent, run_dir):  # a mode is for the last folder of a path alone
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note = read_pid_file(run_dir)
            where = f" (process {note.pid}, {note.url})" if note else ""
            raise Conflict(f"a secretary already runs on this data folder{where}; stop it: secretary down") from None
        yield
