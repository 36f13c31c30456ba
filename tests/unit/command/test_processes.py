"""Processes are found by their mark and ended, whoever their parent is; nobody else is touched."""

import time

import psutil

from deployments.command.process_control import find_processes, is_alive, terminate_process, terminate_processes
from tests.unit.command.conftest import PARENT, STUBBORN, StartProcess

MINE, OTHER = "run-of-this-test", "run-of-another-secretary"


def test_only_processes_with_the_mark_are_found(start: StartProcess) -> None:
    mine = {start(run_id=MINE).pid, start(run_id=MINE).pid}
    start(run_id=OTHER)
    start()
    assert {process.pid for process in find_processes(MINE)} == mine


def test_a_grandchild_carries_the_mark_and_is_ended_with_the_rest(start: StartProcess) -> None:
    start(PARENT, run_id=MINE)
    found = find_processes(MINE)
    assert len(found) == 2
    assert terminate_processes(found, timeout_s=5) == 0
    assert not any(is_alive(process) for process in found)


def test_who_does_not_obey_is_killed_and_counted(start: StartProcess) -> None:
    gentle, stubborn = start(run_id=MINE), start(STUBBORN, run_id=MINE)
    began = time.monotonic()
    assert terminate_processes([gentle, stubborn], timeout_s=0.5) == 1
    assert time.monotonic() - began < 5
    assert not is_alive(gentle)
    assert not is_alive(stubborn)


def test_processes_that_have_ended_by_themselves_are_no_trouble(start: StartProcess) -> None:
    gone = start(run_id=MINE)
    gone.kill()
    gone.wait(5)
    assert terminate_processes([gone], timeout_s=1) == 0
    assert terminate_processes([], timeout_s=1) == 0
    assert find_processes(MINE) == []


def test_one_process_is_asked_and_waited_for(start: StartProcess) -> None:
    process = start()
    terminate_process(process.pid, timeout_s=5)
    assert not is_alive(process)
    terminate_process(process.pid, timeout_s=5)


def test_nobody_is_waited_for_whose_parent_does_not_ask_how_it_ended(start: StartProcess) -> None:
    parent = start(PARENT, run_id=MINE)
    (child,) = parent.children()
    began = time.monotonic()
    terminate_process(child.pid, timeout_s=20)
    assert terminate_processes([child], timeout_s=20) == 0
    assert time.monotonic() - began < 10
    assert child.status() == psutil.STATUS_ZOMBIE
    assert not is_alive(child)


def test_the_one_that_was_asked_may_take_longer_than_we_wait(start: StartProcess) -> None:
    process = start(STUBBORN)
    terminate_process(process.pid, timeout_s=0.2)
    assert is_alive(process)
