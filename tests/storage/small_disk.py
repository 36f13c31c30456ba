"""Disks that are full."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class SmallDisk:
    """A folder on a disk of two megabytes. ``make_room`` frees some of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler, self._reserve = folder / "filler", folder / "reserve"
        self._reserve.write_bytes(bytes(400_000))

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)
        self._reserve.unlink(missing_ok=True)


@contextmanager
def mounted_tmpfs(folder: Path) -> Iterator[Path]:
    """Mounts a tmpfs of two megabytes at ``folder``. Skips the test without the right to mount."""
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def limited_file_size(folder: Path) -> Iterator[Path]:
    """Limits the files of this process to 1.5 megabytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
