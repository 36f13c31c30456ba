"""The console command without a cluster: what it says, what it leaves behind, and how it ends."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.command.main import main
from deployments.command.pid_file import PidFile, read_pid_file, write_pid_file
from deployments.models.catalogue import load_catalogue
from tests.architecture.source_files import ROOT
from tests.unit.command.conftest import StartProcess
from tests.unit.models.file_server import FakeFileServer, run_file_server

GRAPH = ROOT / "tests" / "serve" / "scripted_graph.yaml"


@dataclass(frozen=True)
class CommandResult:
    """How a command ended and what it said."""

    status: int
    output: str
    errors: str


Run = Callable[..., CommandResult]


@pytest.fixture
def secretary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``secretary("check", …)`` in an empty folder."""
    for name in os.environ:
        if name.startswith("SECRETARY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SECRETARY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> CommandResult:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["secretary", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), said.out, said.err)

    return run


def note_of(folder: Path, pid: int, port: int = 1) -> Path:
    run_dir = folder / "data" / "run"
    run_dir.mkdir(parents=True)
    write_pid_file(run_dir, PidFile(pid=pid, run_id="a-run-of-nobody", host="127.0.0.1", port=port))
    return run_dir


def test_asked_after_nothing_it_says_how_to_start(secretary: Run) -> None:
    done = secretary("status")
    assert (done.status, done.output) == (3, "Not running. Start it: secretary up\n")


def test_ending_nothing_is_no_error(secretary: Run) -> None:
    done = secretary("down")
    assert (done.status, done.output) == (0, "No secretary runs on this data folder.\n")


def test_the_console_comes_up_without_ray() -> None:
    """Ray reads its variables when it is imported; they are set first."""
    program = "import deployments.command.main, deployments.command.up, sys; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_start_that_died_is_cleared_away(secretary: Run, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    run_dir = note_of(tmp_path, dead.pid)
    assert secretary("status").status == 3
    assert secretary("down").output == "Ended (0 processes).\n"
    assert read_pid_file(run_dir) is None


def test_a_process_that_does_not_answer_is_told_apart_from_none(
    secretary: Run, tmp_path: Path, start: StartProcess
) -> None:
    note_of(tmp_path, start().pid)
    done = secretary("status")
    assert done.status == 1
    assert "does not answer: ConnectError" in done.output


def test_an_error_is_one_line_and_never_a_traceback(secretary: Run, tmp_path: Path) -> None:
    done = secretary("check", "--graph", "nowhere.yaml")
    assert done.status == 1
    assert done.output == "invalid_request: nowhere.yaml: no such file; give one with --graph\n"
    assert done.errors == ""


def test_a_wrong_variable_is_named_without_its_value(secretary: Run) -> None:
    done = secretary("status", SECRETARY_PORT="hunter2")
    assert done.status == 1
    assert done.output.startswith("settings: port: ")
    assert "hunter2" not in done.output + done.errors


def test_a_check_names_the_models_that_are_missing(secretary: Run) -> None:
    done = secretary("check", "--graph", str(GRAPH))
    assert done.status == 1
    assert "graph" in done.output
    assert "piper-ru-irina-medium: missing" in done.output
    assert "storage" in done.output


def test_a_taken_port_is_noticed_before_anything_starts(secretary: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=port)
    assert done.status == 1
    assert f"conflict: something already listens on port {port}; stop it or set SECRETARY_PORT" in done.output


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", "8002"), ("nobody.invalid", "8002"), ("a..b", "8002")])
def test_a_place_where_nobody_can_listen_is_named_before_anything_starts(secretary: Run, host: str, port: str) -> None:
    done = secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_HOST=host, SECRETARY_PORT=port)
    assert done.status == 1
    assert f"invalid_request: nothing can listen on {host}, port {port}: " in done.output
    assert "Traceback" not in done.output + done.errors


def test_what_up_does_not_use_of_a_graph_is_told_in_one_line(secretary: Run, tmp_path: Path) -> None:
    graph = tmp_path / "mine.yaml"
    graph.write_text(
        "proxy_location: EveryNode\nlogging_config: {log_level: DEBUG}\n" + GRAPH.read_text().partition("HeadOnly\n")[2]
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = secretary("up", "--no-pull", "--graph", str(graph), SECRETARY_PORT=port).output
        silent = secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=port).output
    assert "not used by `secretary up`, only by `serve deploy`: proxy_location, logging_config\n" in told
    assert "not used" not in silent


def has_credentials(output: str) -> bool:
    return "sk-sec-" in output


def test_a_check_before_the_first_start_does_not_swallow_the_credentials(secretary: Run, tmp_path: Path) -> None:
    done = secretary("check", "--graph", str(GRAPH))
    left = tmp_path / "data" / "first-credentials.txt"
    assert has_credentials(done.output) or left.exists() or not (tmp_path / "data" / "secretary.db").exists()


def test_a_first_start_that_fails_does_not_swallow_the_credentials(secretary: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=port)
    left = tmp_path / "data" / "first-credentials.txt"
    assert has_credentials(done.output) or left.exists() or not (tmp_path / "data" / "secretary.db").exists()


def test_a_stranger_who_got_the_number_of_a_dead_secretary_lives_on(
    secretary: Run, tmp_path: Path, start: StartProcess
) -> None:
    stranger = start()
    note_of(tmp_path, stranger.pid)
    secretary("down")
    assert stranger.is_running()
    assert stranger.status() != "zombie"


def test_brackets_in_a_message_are_shown(secretary: Run) -> None:
    assert "my[piper].yaml: no such file" in secretary("check", "--graph", "my[piper].yaml").output


def test_what_a_dead_secretary_left_running_can_still_be_found_after_a_start_that_failed(
    secretary: Run, tmp_path: Path, start: StartProcess
) -> None:
    """HAProxy outlives a console that was killed, and keeps the port."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    note_of(tmp_path, dead.pid)
    left = start(run_id="a-run-of-nobody")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        secretary("up", "--no-pull", "--graph", str(GRAPH), SECRETARY_PORT=port)
    secretary("down")
    assert not left.is_running() or left.status() == "zombie"


def test_models_come_from_the_operators_own_hub(secretary: Run) -> None:
    with run_file_server(FakeFileServer()) as mirror:
        done = secretary(
            "models", "pull", "whisper-tiny", "--source", "hf", HF_ENDPOINT=mirror.url, HF_TOKEN="hf_secret"
        )
        assert done.status == 1
        assert "127.0.0.1 does not have http://127.0.0.1" in done.output
        assert "hf_secret" not in done.output + done.errors
        assert {headers["authorization"] for _, headers in mirror.requests} == {"Bearer hf_secret"}


def test_an_operators_own_mirror_is_opened_by_the_environment_only(secretary: Run) -> None:
    with run_file_server(FakeFileServer()) as mirror, run_file_server(FakeFileServer()) as elsewhere:
        for path in hub_paths():
            mirror.redirects[path] = elsewhere.url + path
        pull = ("models", "pull", "whisper-tiny", "--source", "hf")
        done = secretary(*pull, HF_ENDPOINT=mirror.url)
        assert "SECRETARY_MODEL_HOSTS" in done.output
        assert elsewhere.requests == []
        secretary(*pull, SECRETARY_MODEL_HOSTS=f"unused.lan, {elsewhere.url.removeprefix('http://')}")
        assert len(elsewhere.requests) == 1
        assert secretary(*pull, SECRETARY_MODEL_HOSTS="http://wrong/").status != 0


def hub_paths() -> list[str]:
    """Where the files of whisper-tiny lie on a hub."""
    whisper = load_catalogue().get("whisper-tiny")
    (hub,) = [source.hf for source in whisper.sources if source.hf]
    return [f"/{hub.repo}/resolve/{hub.revision}/{file.path}" for file in whisper.files]
