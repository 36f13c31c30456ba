"""The process of the core: found, started, checked, restarted, and gone with its parent."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proxies.core_binary import CoreBinary, find_core
from proxies.core_output import Redaction
from proxies.core_process import CoreTimings, ProxyCore, free_port
from proxies.errors import CoreFailed, CoreMissing
from proxies.links import parse_link
from proxies.vless import VlessLink
from tests.proxies.links import REALITY, TCP, USER_ID
from tests.proxies.proxied_door import find_v2ray
from tests.waiting import wait_until

LINK = parse_link(TCP)
assert isinstance(LINK, VlessLink)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
async def core() -> AsyncIterator[ProxyCore]:
    core = ProxyCore([LINK], find_v2ray)
    yield core
    await core.stop()


async def test_core_is_restarted_and_ends_with_its_owner(core: ProxyCore) -> None:
    assert core.pid is None
    first, again = await asyncio.gather(core.ensure(), core.ensure())
    assert (first, core.starts) == (again, 1)
    pid = core.pid or 0
    process = psutil.Process(pid)
    assert os.getpgid(pid) == pid
    shown = " ".join(process.cmdline()) + str(process.environ()) + str([file.path for file in process.open_files()])
    assert USER_ID not in shown
    assert first.password not in shown
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: core.pid not in (None, pid))
    assert await core.ensure() != first
    last = core.pid or 0
    await core.stop()
    assert not _runs(last)
    with pytest.raises(CoreFailed):
        await core.ensure()


async def test_core_leaves_no_orphan_after_kill() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.proxies.core_parent", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    await wait_until(lambda: not _runs(pid))


async def test_port_of_another_program_is_not_mistaken_for_the_core() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], free_port()]
        core = ProxyCore([LINK], find_v2ray, find_port=lambda: ports.pop(0))
        inbound = await core.ensure()
        await core.stop()
        assert inbound.port != taken.getsockname()[1]
    assert ports == []


async def test_core_that_fails_waits_longer_each_time(tmp_path: Path) -> None:
    program = tmp_path / "xray"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && echo "Xray 26.3.27" && exit\necho "bad id {USER_ID}"; exit 23\n'
    )
    program.chmod(0o755)
    now = 0.0
    core = ProxyCore([LINK], lambda: CoreBinary(program, "xray"), timings=CoreTimings(2, 1, 3), clock=lambda: now)
    for waited, starts in (
        (0.0, True),
        (0.0, True),
        (0.5, False),
        (0.6, True),
        (1.9, False),
        (0.2, True),
        (2.9, False),
    ):
        now += waited
        core.error = ""
        with pytest.raises(CoreFailed):
            await core.ensure()
        assert bool(core.error) == starts
    assert USER_ID not in core.error
    await core.stop()


async def test_core_binary_is_found_in_its_places(tmp_path: Path) -> None:
    with pytest.raises(CoreMissing, match="secretary proxies install"):
        find_core(None, [tmp_path], {"PATH": ""})
    for name in ("v2ray", "xray"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert find_core(None, [tmp_path], {"PATH": ""}) == CoreBinary(tmp_path / name, name)  # type: ignore[arg-type]
    assert find_core(None, [], {"PATH": str(tmp_path)}).kind == "xray"
    with pytest.raises(CoreMissing, match="SECRETARY_XRAY"):
        find_core(tmp_path / "nothing", [tmp_path])


def test_output_of_core_is_logged_without_secrets() -> None:
    link = parse_link(REALITY)
    assert isinstance(link, VlessLink)
    line = f"failed to dial {link.host}:443 as {link.user_id} for {link.public_key} at 203.0.113.7:443 [2001:db8::1]:5"
    shown = Redaction(link.secrets)(line)
    assert shown == "failed to dial [secret]:443 as [secret] for [secret] at [address] [address]"
