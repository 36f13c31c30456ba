"""EngineHost: failures of requests in status and check_health."""

import time
from collections.abc import AsyncIterator

import pytest

from deployments.contracts.errors import EngineFailed, InvalidRequest, NoSound, SecretaryError
from deployments.engines.host import EngineHost
from tests.unit.engines.fake_engine import FakeEngine, loaded_host
from tests.waiting import wait_until


async def succeed(host: EngineHost[FakeEngine]) -> None:
    async with host.use():
        pass


async def fail(host: EngineHost[FakeEngine], error: Exception) -> None:
    with pytest.raises(type(error)):
        async with host.use():
            raise error


async def test_status_shows_the_last_failure_until_a_success() -> None:
    async with loaded_host() as host:
        started_at = time.time()
        await fail(host, EngineFailed("no connection"))
        status = host.status()
        assert (status.ready, status.healthy, status.error) == (True, False, "no connection")
        assert status.remedy == "POST /admin/services/chat/restart"
        assert status.failed_at is not None
        assert started_at <= status.failed_at <= time.time()
        await succeed(host)
        status = host.status()
        assert (status.healthy, status.error, status.failed_at) == (True, "", None)


@pytest.mark.parametrize("error", [EngineFailed("broke"), RuntimeError("secret path")])
async def test_check_health_fails_after_three_failures(error: Exception) -> None:
    async with loaded_host() as host:
        for _ in range(2):
            await fail(host, error)
            host.check_health()
        await fail(host, error)
        with pytest.raises(EngineFailed) as caught:
            host.check_health()
        assert "secret path" not in caught.value.message + host.status().error


async def test_success_resets_the_failure_count() -> None:
    async with loaded_host() as host:
        for _ in range(2):
            await fail(host, EngineFailed("broke"))
            await fail(host, EngineFailed("broke"))
            await succeed(host)
        await fail(host, EngineFailed("broke"))
        host.check_health()


@pytest.mark.parametrize(
    ("error", "shown"),
    [(NoSound("no sound"), "no sound"), (InvalidRequest("no text"), ""), (SecretaryError("no"), "")],
    ids=["no sound", "invalid request", "other"],
)
async def test_check_health_ignores_errors_of_requests(error: SecretaryError, shown: str) -> None:
    async with loaded_host() as host:
        for _ in range(4):
            await fail(host, error)
        host.check_health()
        assert host.status().error == shown


async def test_closed_stream_is_no_success_and_no_failure() -> None:
    async with loaded_host() as host:
        await fail(host, EngineFailed("broke"))

        async def words() -> AsyncIterator[str]:
            async with host.use():
                yield "one"

        stream = words()
        assert await anext(stream) == "one"
        await stream.aclose()
        assert host.status().error == "broke"


async def test_reload_resets_the_failures() -> None:
    async with loaded_host() as host:
        for _ in range(3):
            await fail(host, EngineFailed("broke"))
        await host.unload()
        host.start()
        await wait_until(lambda: host.status().ready)
        assert host.status().healthy
        host.check_health()
