"""One secretary per data folder, and a note by which others find it."""

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

NOTE = PidFile(pid=os.getpid(), run_id="0123456789abcdef", host="127.0.0.1", port=8002)
HOLDER = (
    "import sys; from pathlib import Path; from deployments.command.pid_file import lock_data_folder\n"
    "with lock_data_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_a_note_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_pid_file(tmp_path, NOTE)
    assert read_pid_file(tmp_path) == NOTE
    write_pid_file(tmp_path, NOTE.model_copy(update={"port": 9000}))
    found = read_pid_file(tmp_path)
    assert found is not None
    assert found.port == 9000
    assert [path.name for path in tmp_path.iterdir()] == ["secretary.json"]


def test_a_removed_note_is_gone_and_removing_it_again_is_harmless(tmp_path: Path) -> None:
    write_pid_file(tmp_path, NOTE)
    remove_pid_file(tmp_path)
    remove_pid_file(tmp_path)
    assert read_pid_file(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_note_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "secretary.json").write_text(content)
    assert read_pid_file(tmp_path) is None


def test_a_note_knows_whether_its_process_lives(tmp_path: Path) -> None:
    assert NOTE.alive
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not NOTE.model_copy(update={"pid": ended.pid}).alive


def test_a_note_is_certain_of_its_process_and_of_no_other(tmp_path: Path) -> None:
    note = PidFile.of_this_process("r", "127.0.0.1", 8002)
    assert note.verified
    assert note.began == process_start_ticks(os.getpid()), "the same whatever the clock says"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert process_start_ticks(other.pid) not in (None, note.began)
        assert not note.model_copy(update={"pid": other.pid}).alive
        other.communicate(b"\n")
    assert process_start_ticks(other.pid) is None


def test_the_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
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
def test_the_address_is_one_that_can_be_opened(host: str, url: str) -> None:
    assert NOTE.model_copy(update={"host": host}).url == url


def test_a_second_secretary_is_refused_and_told_where_the_first_one_is(tmp_path: Path) -> None:
    holder = _hold(tmp_path)
    try:
        write_pid_file(tmp_path, NOTE.model_copy(update={"pid": holder.pid}))
        with pytest.raises(Conflict) as caught, lock_data_folder(tmp_path):
            pass
        assert f"(process {holder.pid}, http://127.0.0.1:8002)" in caught.value.message
        assert "secretary down" in caught.value.message
    finally:
        holder.kill()
        holder.communicate()


def test_without_a_note_the_refusal_is_shorter(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path), pytest.raises(Conflict) as caught, lock_data_folder(tmp_path):
        pass
    assert "process" not in caught.value.message


def test_the_folder_is_free_again_when_its_secretary_ends_however_it_ends(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), lock_data_folder(tmp_path):
        raise ZeroDivisionError
    holder = _hold(tmp_path)
    holder.kill()
    holder.communicate()
    with lock_data_folder(tmp_path):
        pass


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    run_dir = tmp_path / "data" / "run"
    with lock_data_folder(run_dir):
        assert run_dir.stat().st_mode & 0o777 == 0o700


def _hold(folder: Path) -> "subprocess.Popen[bytes]":
    """Another process that holds ``folder`` until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder
