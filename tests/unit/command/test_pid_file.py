"""The PID file and the lock on the data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.command.pid_file import (
    PidFile,
    lock_data_folder,
    process_start_ticks,
    read_pid_file,
    remove_pid_file,
    write_pid_file,
)
from deployments.contracts.errors import Conflict

PID_FILE = PidFile(pid=os.getpid(), run_id="0123456789abcdef", host="127.0.0.1", port=8002)
LOCK_PROGRAM = (
    "import sys; from pathlib import Path; from deployments.command.pid_file import lock_data_folder\n"
    "with lock_data_folder(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
)


def test_pid_file_round_trip(tmp_path: Path) -> None:
    write_pid_file(tmp_path, PID_FILE)
    assert read_pid_file(tmp_path) == PID_FILE
    write_pid_file(tmp_path, PID_FILE.model_copy(update={"port": 9000}))
    found = read_pid_file(tmp_path)
    assert found is not None
    assert found.port == 9000
    assert [path.name for path in tmp_path.iterdir()] == ["secretary.json"]


def test_pid_file_removed_twice(tmp_path: Path) -> None:
    write_pid_file(tmp_path, PID_FILE)
    remove_pid_file(tmp_path)
    remove_pid_file(tmp_path)
    assert read_pid_file(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_pid_file_invalid_reads_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "secretary.json").write_text(content)
    assert read_pid_file(tmp_path) is None


def test_pid_file_alive_ends_with_process(tmp_path: Path) -> None:
    assert PID_FILE.alive
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not PID_FILE.model_copy(update={"pid": ended.pid}).alive


def test_pid_file_verified_by_start_time(tmp_path: Path) -> None:
    own = PidFile.of_this_process("r", "127.0.0.1", 8002)
    assert own.verified
    assert own.began == process_start_ticks(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert process_start_ticks(other.pid) not in (None, own.began)
        assert not own.model_copy(update={"pid": other.pid}).alive
        other.communicate(b"\n")
    assert process_start_ticks(other.pid) is None


def test_lock_makes_private_folders(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path / "data" / "run"):
        assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("data", "data/run")} == {0o700}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8002"),
        ("192.168.1.5", "http://192.168.1.5:8002"),
        ("0.0.0.0", "http://127.0.0.1:8002"),
        ("::", "http://127.0.0.1:8002"),
        ("", "http://127.0.0.1:8002"),
        ("::1", "http://[::1]:8002"),
        ("[::1]", "http://[::1]:8002"),
        ("fd00::5", "http://[fd00::5]:8002"),
    ],
)
def test_pid_file_url(host: str, url: str) -> None:
    assert PID_FILE.model_copy(update={"host": host}).url == url


def test_lock_conflict_names_holder(tmp_path: Path) -> None:
    holder = _lock_in_process(tmp_path)
    try:
        write_pid_file(tmp_path, PID_FILE.model_copy(update={"pid": holder.pid}))
        with pytest.raises(Conflict) as caught, lock_data_folder(tmp_path):
            pass
        assert f"(process {holder.pid}, http://127.0.0.1:8002)" in caught.value.message
        assert "secretary down" in caught.value.message
    finally:
        holder.kill()
        holder.communicate()


def test_lock_conflict_without_pid_file(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path), pytest.raises(Conflict) as caught, lock_data_folder(tmp_path):
        pass
    assert "process" not in caught.value.message


def test_lock_released_after_any_end(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), lock_data_folder(tmp_path):
        raise ZeroDivisionError
    holder = _lock_in_process(tmp_path)
    holder.kill()
    holder.communicate()
    with lock_data_folder(tmp_path):
        pass


def _lock_in_process(folder: Path) -> "subprocess.Popen[bytes]":
    """Another process that locks ``folder`` until it is killed."""
    command = [sys.executable, "-c", LOCK_PROGRAM, str(folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    return holder
