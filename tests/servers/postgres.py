"""A PostgreSQL server for tests: Debian's binaries and a temporary cluster on a free loopback port."""

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.command.ports import free_port

_INSTALL = "PostgreSQL's server is not installed: apt-get install --no-install-recommends postgresql"
_TOOLS = ("initdb", "postgres", "pg_isready", "createdb", "dropdb")
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


def postgres_binaries() -> Path:
    """The folder of initdb and postgres of the newest installed version."""
    on_path = shutil.which("initdb")
    folders = [*([Path(on_path).resolve().parent] if on_path else ()), *Path("/usr/lib/postgresql").glob("*/bin")]
    complete = sorted(folder for folder in folders if all((folder / tool).exists() for tool in _TOOLS))
    if not complete:
        pytest.fail(_INSTALL)
    return complete[-1]


class PostgresServer:
    """One cluster, started and stopped by this process."""

    user, password = "secretary", "pa:ss/w@rd"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = postgres_binaries()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._account = "nobody" if os.geteuid() == 0 else None

    def start(self) -> None:
        """Creates the cluster if necessary, starts the server and waits until it accepts connections."""
        if not (self._folder / "data").exists():
            self._create_cluster()
        command = [self._bin / "postgres", "-D", self._folder / "data", "-p", str(self.port), "-k", self._folder]
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen([*command, *options], **self._as_account())
        ready = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 30
        while subprocess.run(ready, check=False).returncode != 0:
            assert self._process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self, stop_signal: signal.Signals = signal.SIGINT) -> None:
        """SIGINT shuts the server down, SIGQUIT stops it without a checkpoint, like a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(stop_signal)
            process.wait(30)

    def create_database(self, template: str = "template1") -> str:
        """Creates a database from ``template`` and returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self._run("createdb", "-T", template, name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self._run("dropdb", "--if-exists", "--force", url.rpartition("/")[2])

    def url(self, name: str) -> str:
        return f"postgresql://{self.user}:pa%3Ass%2Fw%40rd@127.0.0.1:{self.port}/{name}"

    def _run(self, tool: str, *arguments: str) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", self.user]
        environment = {**os.environ, "PGPASSWORD": self.password}
        subprocess.run([self._bin / tool, *where, *arguments], env=environment, check=True)

    def _create_cluster(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self.password)
        if self._account:
            account = pwd.getpwnam(self._account)
            for path in (self._folder, secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        command = [self._bin / "initdb", "-D", self._folder / "data", "-U", self.user, f"--pwfile={secret}"]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_account())
        assert done.returncode == 0, done.stderr

    def _as_account(self) -> dict[str, object]:
        account = {"user": self._account, "group": "nogroup", "extra_groups": []} if self._account else {}
        return {"cwd": self._folder, "start_new_session": True, **account}


@dataclass(frozen=True)
class PostgresCluster:
    """A server, and the name of a database with all tables to copy from."""

    server: PostgresServer
    template: str


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server in a temporary folder, stopped and removed at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def create_template_database(server: PostgresServer) -> str:
    """Creates a database with all tables and returns its name."""
    from storage.database import Database

    url = server.create_database()

    async def migrate() -> None:
        database = Database(url)
        await database.open()
        await database.close()

    asyncio.run(migrate())
    return url.rpartition("/")[2]
