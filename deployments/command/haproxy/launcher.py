"""The program that Serve starts as HAProxy: it hands over Serve's configuration and waits until it is ended.

HAProxy itself is a child of the console. Serve identifies HAProxy by the process id that the admin socket reports, and
ends it by signals to the process that it started; see ``AdminSocket``.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """#!/bin/sh
for argument in "$@"; do
  case "$argument" in */haproxy.cfg) configuration=$argument ;; esac
done
echo "$$ $configuration" 1<> '{requests}'
read -r _ < '{console}'
"""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """A start of HAProxy by Serve: ``pid`` is the launcher's, ``configuration`` the file that Serve wrote."""

    pid: int
    configuration: Path

    @classmethod
    def parse(cls, line: str) -> "LaunchRequest":
        """Raises ValueError."""
        pid, path = line.split(" ", 1)
        return cls(int(pid), Path(path))


@dataclass(frozen=True, slots=True)
class Launcher:
    """The script in ``folder`` and its two named pipes. A launcher writes its request to ``requests``. It ends when the
    writing end of ``console``, which the console holds open, is closed."""

    folder: Path

    @property
    def script(self) -> Path:
        return self.folder / "haproxy"

    @property
    def requests(self) -> Path:
        return self.folder / "requests"

    @property
    def console(self) -> Path:
        return self.folder / "console"

    def write(self) -> None:
        """Writes the script and creates the pipes."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for pipe in (self.requests, self.console):
            pipe.unlink(missing_ok=True)
            os.mkfifo(pipe, 0o600)
        self.script.write_text(_SCRIPT.format(requests=self.requests, console=self.console))
        self.script.chmod(0o700)
