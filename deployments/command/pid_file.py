"""The PID file of a running secretary, ``run/secretary.json`` in its data folder, and the lock on that folder."""

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
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import Conflict

_NAME = "secretary.json"


class PidFile(BaseModel):
    """``began`` is the start time of the process in clock ticks, which tells it from a later process with its id."""

    model_config = ConfigDict(frozen=True)

    pid: int
    run_id: str
    host: str
    port: int
    began: int | None = None

    @classmethod
    def of_this_process(cls, run_id: str, host: str, port: int) -> Self:
        return cls(pid=os.getpid(), run_id=run_id, host=host, port=port, began=process_start_ticks(os.getpid()))

    @property
    def url(self) -> str:
        """The base URL of the secretary; a wildcard address becomes loopback."""
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
        """Whether the process is alive and its start time is known to match, so that it may be terminated."""
        return self.began is not None and self.alive


def process_start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), stat, field 22); None without such a process.

    Setting the system clock does not change it.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat.rpartition(b")")[2].split()[19])


def read_pid_file(run_dir: Path) -> PidFile | None:
    """The PID file of the last start, whether its process lives or not; None when it is missing or invalid."""
    try:
        return PidFile.model_validate_json((run_dir / _NAME).read_text())
    except (OSError, ValueError):
        return None


def write_pid_file(run_dir: Path, pid_file: PidFile) -> None:
    temporary = run_dir / f"{_NAME}.new"
    temporary.write_text(json.dumps(pid_file.model_dump()))
    os.replace(temporary, run_dir / _NAME)


def remove_pid_file(run_dir: Path) -> None:
    (run_dir / _NAME).unlink(missing_ok=True)


@contextmanager
def lock_data_folder(run_dir: Path) -> Iterator[None]:
    """Locks the data folder for this process. Raises Conflict when another secretary holds the lock."""
    for folder in (run_dir.parent, run_dir):  # mkdir applies the mode to the last folder only
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read_pid_file(run_dir)
            where = f" (process {holder.pid}, {holder.url})" if holder else ""
            stop = secretary_command("down")
            raise Conflict(f"another secretary uses this data folder{where}; stop it with `{stop}`") from None
        yield
