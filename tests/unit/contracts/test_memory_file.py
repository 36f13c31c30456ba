"""Memory files are read by other processes, and by nobody else."""

import subprocess
import sys
from dataclasses import replace

import pytest

from deployments.contracts.memory_file import FileElsewhere, MemoryFile, MemoryFileReference


def test_memory_file_is_read_by_another_process() -> None:
    with MemoryFile() as file:
        file.write(b"one ")
        file.write(b"two")
        reference = file.reference
        program = f"from deployments.contracts.memory_file import *; print({reference!r}.read())"
        assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "b'one two'"
        assert MemoryFileReference.from_fields(reference.to_fields()) == reference
        assert reference.size == 7


def test_reference_opens_no_other_file() -> None:
    with MemoryFile() as file, open(__file__, "rb") as other:
        reference = file.reference
        for wrong in (
            replace(reference, token="0" * 32),
            replace(reference, descriptor=other.fileno()),
            replace(reference, process=2**22 + 1),
        ):
            with pytest.raises(FileElsewhere):
                wrong.check()
    with pytest.raises(FileElsewhere):
        reference.check()
