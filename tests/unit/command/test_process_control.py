"""Processes of one start are found by their run id and terminated."""

import time

import psutil

from deployments.command.process_control import find_processes, is_alive, terminate_process, terminate_processes
from tests.unit.command.child_processes import IGNORE_SIGTERM, PARENT, StartProcess

RUN_ID, OTHER_RUN_ID = "run-of-this-test", "run-of-another-secretary"


def test_find_processes_matches_run_id_only(start_process: StartProcess) -> None:
    expected = {start_process(run_id=RUN_ID).pid, start_process(run_id=RUN_ID).pid}
    start_process(run_id=OTHER_RUN_ID)
    start_process()
    assert {process.pid for process in find_processes(RUN_ID)} == expected


def test_terminate_processes_includes_grandchildren(start_process: StartProcess) -> None:
    start_process(PARENT, run_id=RUN_ID)
    found = find_processes(RUN_ID)
    assert len(found) == 2
    assert terminate_processes(found, timeout_s=5) == 0
    assert not any(is_alive(process) for process in found)


def test_terminate_processes_kills_and_counts_survivors(start_process: StartProcess) -> None:
    polite, stubborn = start_process(run_id=RUN_ID), start_process(IGNORE_SIGTERM, run_id=RUN_ID)
    assert terminate_processes([polite, stubborn], timeout_s=0.5) == 1
    assert not is_alive(polite)
    assert not is_alive(stubborn)


def test_terminate_processes_ignores_ended_ones(start_process: StartProcess) -> None:
    ended = start_process(run_id=RUN_ID)
    ended.kill()
    ended.wait(5)
    assert terminate_processes([ended], timeout_s=1) == 0


def test_terminate_process_waits_for_end(start_process: StartProcess) -> None:
    process = start_process()
    terminate_process(process.pid, timeout_s=5)
    assert not is_alive(process)
    terminate_process(process.pid, timeout_s=5)


def test_terminate_process_does_not_wait_for_zombie(start_process: StartProcess) -> None:
    (child,) = start_process(PARENT, run_id=RUN_ID).children()
    started = time.monotonic()
    terminate_process(child.pid, timeout_s=20)
    assert terminate_processes([child], timeout_s=20) == 0
    assert time.monotonic() - started < 10
    assert child.status() == psutil.STATUS_ZOMBIE
    assert not is_alive(child)


def test_terminate_process_never_kills(start_process: StartProcess) -> None:
    process = start_process(IGNORE_SIGTERM)
    terminate_process(process.pid, timeout_s=0.2)
    assert is_alive(process)
