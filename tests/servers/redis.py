"""A Redis server for tests: Debian's redis-server on a free loopback port, without files."""

import shutil
import signal
import subprocess
import time

import pytest
import redis

from deployments.command.ports import free_port


class RedisServer:
    """A server that can be killed and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts the server and waits until it replies."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("Redis is not installed: apt-get install --no-install-recommends redis-server")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "."]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._replies():
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.02)

    def send_signal(self, signal_number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signal_number)

    def kill(self) -> None:
        """Sends SIGKILL. Does nothing when the server does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port)

    def _replies(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
