"""A provider behind proxies is never reached directly, whatever breaks. Real tunnels: Debian's v2ray at both ends."""

import os
import signal
from pathlib import Path

import pytest

from deployments.contracts.errors import SecretaryError
from deployments.contracts.provider_errors import ProxiesFailed
from proxies.core_binary import INSTALL_COMMAND, CoreBinary, find_core
from tests.proxies.proxied_door import PoisonedResolver, Provider, ProxiedDoor, running_provider
from tests.proxies.recorder import Recorded, recording
from tests.servers.cloud_provider import Script
from tests.servers.vless import PROVIDER_HOST, FarEnd, TestAuthority


def assert_never_direct(recorded: Recorded, provider: Provider) -> None:
    assert provider.server.port not in recorded.ports()
    assert PROVIDER_HOST not in recorded.names


async def test_answers_go_on_while_links_die(
    door: ProxiedDoor, provider: Provider, far_ends: list[FarEnd], trusted: Path
) -> None:
    door.configure(*(end.link for end in far_ends))
    with recording() as recorded:
        assert await door.answer() == "one two three"
        assert door.pool.links.current == 0
        os.kill(door.pool.core_pid or 0, signal.SIGKILL)
        assert await door.answer() == "one two three"
        far_ends[0].kill()
        assert await door.answer() == "one two three"
        assert door.pool.links.current == 1

        provider.server.script = Script(answer="a b c d e f", gap_s=0.02)
        parts = []
        async for part in door.parts():
            parts.append(part)
            if len(parts) == 2:
                far_ends[1].kill()
                provider.server.script = Script(answer="c d e f")
        assert "".join(parts) == "a b c d e f"
        assert provider.server.last.body["messages"][-1] == {"role": "assistant", "content": "a b"}
        assert door.pool.links.current == 2

        far_ends[2].kill()
        with pytest.raises(ProxiesFailed, match="none of the 3 proxies works"):
            await door.answer()
        far_ends[1].start()
        assert await door.answer()
    status = door.pool.status()
    assert [link.current for link in status.links] == [False, True, False]
    assert status.core.startswith("v2ray 4.")
    assert_never_direct(recorded, provider)
    assert provider.only_tunnelled


async def test_provider_with_tls_answers_through_every_kind_of_proxy(authority: TestAuthority, trusted: Path) -> None:
    async with running_provider(authority) as provider:
        for kind in ("tcp", "ws", "tls", "http", "socks5"):
            end, door = FarEnd(kind, authority).start(), ProxiedDoor(provider)
            door.configure(end.link)
            try:
                with recording() as recorded:
                    assert await door.answer() == "one two three", kind
                assert_never_direct(recorded, provider)
            finally:
                await door.clouds.close()
                end.kill()
        assert provider.only_tunnelled


def _refusing_core(folder: Path) -> CoreBinary:
    """Tells a version and refuses every configuration."""
    program = folder / "xray"
    program.write_text('#!/bin/sh\n[ "$1" = version ] && echo "Xray 26.3.27" && exit\necho "bad config"; exit 23\n')
    program.chmod(0o755)
    return CoreBinary(program, "xray")


@pytest.mark.parametrize("broken", ["no core", "refused configuration", "unreadable links", "dead links", "wrong user"])
async def test_provider_refuses_rather_than_leaks(
    broken: str, provider: Provider, far_ends: list[FarEnd], tmp_path: Path
) -> None:
    def find() -> CoreBinary:
        if broken == "refused configuration":
            return _refusing_core(tmp_path)
        return find_core(None, (), {"PATH": str(tmp_path)} if broken == "no core" else os.environ)

    door = ProxiedDoor(provider, find, PoisonedResolver())
    link = far_ends[0].link
    if broken == "dead links":
        far_ends[0].kill()
    if broken == "wrong user":
        link = link.replace("11111111", "99999999")
    door.configure("broken" if broken == "unreadable links" else link)
    try:
        with recording() as recorded:
            for _ in range(2):
                with pytest.raises(ProxiesFailed) as caught:
                    await door.answer()
    finally:
        await door.clouds.close()
    assert_never_direct(recorded, provider)
    assert provider.peers == []
    assert (caught.value.remedy == INSTALL_COMMAND) == (broken == "no core")
    assert "127.0.0.1" not in caught.value.message


async def test_link_whose_country_is_refused_is_left(door: ProxiedDoor, provider: Provider) -> None:
    ends = [FarEnd(source="127.0.0.10").start(), FarEnd().start()]
    provider.refused.add("127.0.0.10")
    try:
        door.configure(*(end.link for end in ends))
        assert await door.answer() == "one two three"
    finally:
        for end in ends:
            end.kill()
    status = door.pool.status()
    assert [link.current for link in status.links] == [False, True]
    assert status.switch_reason == "the service does not serve the country of this proxy"
    assert status.links[0].working is False


async def test_direct_connection_needs_permission(provider: Provider, far_ends: list[FarEnd]) -> None:
    door = ProxiedDoor(provider, resolver=PoisonedResolver())
    door.configure(far_ends[0].link, proxy_policy="direct_allowed")
    try:
        assert await door.answer() == "one two three"
        assert provider.only_tunnelled
        far_ends[0].kill()
        assert await door.answer() == "one two three"
        assert not provider.only_tunnelled
        assert door.pool.status().direct_requests == 1
    finally:
        await door.clouds.close()


async def test_images_of_callers_take_the_same_way(
    door: ProxiedDoor, provider: Provider, far_ends: list[FarEnd]
) -> None:
    door.configure(far_ends[0].link)
    connection = door.clouds.build(door.clouds._running["mine"].spec)._connection
    with recording() as recorded, pytest.raises(SecretaryError):
        await connection.fetch_image(f"https://{PROVIDER_HOST}/picture.png")
    await connection.close()
    assert not door.pool.links.links[0].broken, "a caller's address says nothing about the proxy"
    assert PROVIDER_HOST not in recorded.names
    assert 443 not in recorded.ports()
