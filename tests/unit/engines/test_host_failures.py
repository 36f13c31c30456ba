"""An engine that fails while it serves says so until it succeeds again, and is replaced when it fails over and over."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deployments.contracts.errors import EngineFailed, InvalidRequest, NoSound, SecretaryError
from deployments.engines.host import EngineHost
from tests.unit.engines.test_host import FakeEngine, FakeEngineFactory, host, until


@asynccontextmanager
async def serving() -> AsyncIterator[EngineHost[FakeEngine]]:
    hosted = host(FakeEngineFactory(there=True))
    hosted.start()
    await until(lambda: hosted.loaded_engine)
    yield hosted
    await hosted.stop()


async def answer(hosted: EngineHost[FakeEngine], error: Exception | None = None) -> None:
    async with hosted.use():
        if error:
            raise error


async def fail(hosted: EngineHost[FakeEngine], error: Exception) -> None:
    with pytest.raises(type(error)):
        await answer(hosted, error)


async def test_the_last_failure_is_shown_with_its_time_and_remedy_until_the_next_success() -> None:
    async with serving() as hosted:
        began = time.time()
        await fail(hosted, EngineFailed("the voice broke off"))
        status = hosted.status()
        assert (status.ready, status.healthy, status.error) == (True, False, "the voice broke off")
        assert status.remedy == "POST /admin/services/chat/restart"
        assert status.failed_at is not None
        assert began <= status.failed_at <= time.time()
        await answer(hosted)
        status = hosted.status()
        assert (status.healthy, status.error, status.failed_at) == (True, "", None)


@pytest.mark.parametrize("error", [EngineFailed("broke"), RuntimeError("secret path")])
async def test_an_engine_that_only_fails_asks_for_a_new_process(error: Exception) -> None:
    async with serving() as hosted:
        for _ in range(2):
            await fail(hosted, error)
            hosted.check_health()
        await fail(hosted, error)
        with pytest.raises(EngineFailed) as caught:
            hosted.check_health()
        assert "secret path" not in caught.value.message + hosted.status().error


async def test_a_success_between_failures_keeps_the_process() -> None:
    async with serving() as hosted:
        for _ in range(4):
            await fail(hosted, EngineFailed("broke"))
            await answer(hosted)
            await fail(hosted, EngineFailed("broke"))
        hosted.check_health()


async def test_texts_without_sound_are_shown_but_keep_the_process() -> None:
    async with serving() as hosted:
        for _ in range(5):
            await fail(hosted, NoSound("no sound"))
        hosted.check_health()
        assert hosted.status().error == "no sound"


@pytest.mark.parametrize("error", [InvalidRequest("no text"), SecretaryError("no")])
async def test_a_wrong_request_says_nothing_about_the_engine(error: SecretaryError) -> None:
    async with serving() as hosted:
        for _ in range(5):
            await fail(hosted, error)
        hosted.check_health()
        assert hosted.status().healthy


async def test_a_reader_that_goes_away_is_neither_failure_nor_success() -> None:
    async with serving() as hosted:
        await fail(hosted, EngineFailed("broke"))

        async def words() -> AsyncIterator[str]:
            async with hosted.use():
                yield "one"

        stream = words()
        assert await anext(stream) == "one"
        await stream.aclose()  # type: ignore[attr-defined]
        assert hosted.status().error == "broke"


async def test_loading_anew_begins_with_a_clean_record() -> None:
    async with serving() as hosted:
        for _ in range(3):
            await fail(hosted, EngineFailed("broke"))
        await hosted.unload()
        hosted.start()
        await until(lambda: hosted.status().ready)
        assert hosted.status().healthy
        hosted.check_health()
