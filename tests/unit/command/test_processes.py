"""Processes are found by their mark and ended, whoever their parent is; nobody else is touched."""

import time

import psutil

from deployments.command.processes import ask_to_end, end, lives, processes_of
from tests.unit.command.conftest import PARENT, STUBBORN, Start

MINE, OTHER = "run-of-this-test", "run-of-another-secretary"


def test_only_processes_with_the_mark_are_found(start: Start) -> None:
    mine = {start(run_id=MINE).pid, start(run_id=MINE).pid}
    start(run_id=OTHER)
    start()
    assert {process.pid for process in processes_of(MINE)} == mine


def test_a_grandchild_carries_the_mark_and_is_ended_with_the_rest(start: Start) -> None:
    start(PARENT, run_id=MINE)
    found = processes_of(MINE)
    assert len(found) == 2
    assert end(found, patience_s=5) == 0
    assert not any(lives(process) for process in found)


def test_who_does_not_obey_is_killed_and_counted(start: Start) -> None:
    gentle, stubborn = start(run_id=MINE), start(STUBBORN, run_id=MINE)
    began = time.monotonic()
    assert end([gentle, stubborn], patience_s=0.5) == 1
    assert time.monotonic() - began < 5
    assert not lives(gentle)
    assert not lives(stubborn)


def test_processes_that_have_ended_by_themselves_are_no_trouble(start: Start) -> None:
    gone = start(run_id=MINE)
    gone.kill()
    gone.wait(5)
    assert end([gone], patience_s=1) == 0
    assert end([], patience_s=1) == 0
    assert processes_of(MINE) == []


def test_one_process_is_asked_and_waited_for(start: Start) -> None:
    process = start()
    ask_to_end(process.pid, patience_s=5)
    assert not lives(process)
    ask_to_end(process.pid, patience_s=5)


def test_nobody_is_waited_for_whose_parent_does_not_ask_how_it_ended(start: Start) -> None:
    parent = start(PARENT, run_id=MINE)
    (child,) = parent.children()
    began = time.monotonic()
    ask_to_end(child.pid, patience_s=20)
    assert end([child], patience_s=20) == 0
    assert time.monotonic() - began < 10
    assert child.status() == psutil.STATUS_ZOMBIE
    assert not lives(child)


def test_the_one_that_was_asked_may_take_longer_than_we_wait(start: Start) -> None:
    process = start(STUBBORN)
    ask_to_end(process.pid, patience_s=0.2)
    assert lives(process)
