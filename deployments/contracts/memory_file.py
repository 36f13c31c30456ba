"""A file in memory that is handed to another process of this machine without a copy.

An upload is written to a ``MemoryFile`` while it arrives (memfd_create(2)): it never touches a disk, lies in no
process, and is gone with the last process that has it open, also after kill -9. A request carries its
``MemoryFileReference``, which another process of the same user opens through ``/proc/<process>/fd``.
"""

import io
import os
import secrets
from dataclasses import dataclass
from typing import Self

from deployments.contracts.errors import Unavailable


class FileElsewhere(Unavailable):
    """The file is in the memory of another machine, or its owner has closed it."""

    code = "file_elsewhere"


class MemoryFile(io.FileIO):
    """An empty file, open for writing and reading until it is closed."""

    _rolled = False  # Starlette writes to such a file at once, without a thread

    def __init__(self) -> None:
        self._token = secrets.token_hex(16)
        super().__init__(os.memfd_create(self._token), "w+b")

    @property
    def size(self) -> int:
        return os.fstat(self.fileno()).st_size

    @property
    def reference(self) -> "MemoryFileReference":
        """Valid while this file is open."""
        return MemoryFileReference(os.getpid(), self.fileno(), self._token, self.size)


@dataclass(frozen=True, slots=True)
class MemoryFileReference:
    """``descriptor`` of ``process`` is a memory file named ``token``. ``size`` in bytes."""

    process: int
    descriptor: int
    token: str
    size: int

    def open(self) -> io.FileIO:
        """The file, for reading, from its start. Raises FileElsewhere."""
        try:
            path = f"/proc/{self.process}/fd/{self.descriptor}"
            file = io.FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
        except OSError:
            raise _elsewhere() from None
        if os.readlink(f"/proc/self/fd/{file.fileno()}") != f"/memfd:{self.token} (deleted)":
            file.close()
            raise _elsewhere()
        return file

    def check(self) -> None:
        """Raises FileElsewhere."""
        self.open().close()

    def read(self) -> bytes:
        """The content. Raises FileElsewhere."""
        with self.open() as file:
            return file.read()

    def to_fields(self) -> dict[str, object]:
        """As JSON, for a worker process."""
        return {"process": self.process, "descriptor": self.descriptor, "token": self.token, "size": self.size}

    @classmethod
    def from_fields(cls, fields: object) -> Self:
        assert isinstance(fields, dict)
        return cls(**fields)


def _elsewhere() -> FileElsewhere:
    return FileElsewhere("the file is not in the memory of this machine")
