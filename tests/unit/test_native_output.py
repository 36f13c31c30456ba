"""What native code prints to the standard streams of a process."""

import subprocess
import sys

SCRIPT = """
import os, sys
from deployments.native_output import discard_native_output
for _ in range(2):
    discard_native_output()
    os.write(1, b"native"), os.write(2, b"native")
print("from Python")
raise SystemExit("also from Python")
"""


def test_native_output_is_discarded_and_python_output_kept() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("from Python\n", "also from Python\n")
