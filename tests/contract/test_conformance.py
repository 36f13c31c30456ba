"""Every registered engine passes the conformance checks of its kind. Each engine is started once."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEngine, Engine, Recognizer, SpeechEngine
from deployments.contracts.speech import RecognitionRequest, SpeechRequest
from deployments.engines.conformance import (
    CHAT_CHECKS,
    RECOGNITION_CHECKS,
    SPEECH_CHECKS,
    check_restart,
    check_stopped_engine_refuses,
    make_turn,
)
from deployments.engines.registry import ENGINE_KINDS, EngineKind, build_engine
from tests.contract.engine_options import engine_kind, engine_options, engine_parameters

pytestmark = pytest.mark.asyncio(loop_scope="module")
_STREAM_CALLS: dict[EngineKind, tuple[str, ChatTurn | SpeechRequest | RecognitionRequest]] = {
    "chat": ("stream", make_turn("hi")),
    "speech": ("synthesize", SpeechRequest("hi")),
    "recognition": ("transcribe", RecognitionRequest(b"", PCM16_16K)),
}


def _build(name: str) -> Engine:
    return build_engine(engine_kind(name), name, engine_options(name))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    started = _build(request.param)
    await started.start()
    yield started
    await started.stop()


@pytest.mark.parametrize("engine", engine_parameters("chat"), indirect=True)
@pytest.mark.parametrize("check", [*CHAT_CHECKS, check_restart])
async def test_chat_engine_passes_check(engine: ChatEngine, check: Callable[[ChatEngine], Awaitable[None]]) -> None:
    await check(engine)


@pytest.mark.parametrize("engine", engine_parameters("speech"), indirect=True)
@pytest.mark.parametrize("check", [*SPEECH_CHECKS, check_restart])
async def test_speech_engine_passes_check(
    engine: SpeechEngine, check: Callable[[SpeechEngine], Awaitable[None]]
) -> None:
    await check(engine)


@pytest.mark.parametrize("engine", engine_parameters("recognition"), indirect=True)
@pytest.mark.parametrize("check", [*RECOGNITION_CHECKS, check_restart])
async def test_recognizer_passes_check(engine: Recognizer, check: Callable[[Recognizer], Awaitable[None]]) -> None:
    await check(engine)


@pytest.mark.parametrize("name", engine_parameters(*ENGINE_KINDS))
async def test_engine_not_started_raises_unavailable(name: str) -> None:
    method, request = _STREAM_CALLS[engine_kind(name)]
    check_stopped_engine_refuses(lambda: getattr(_build(name), method)(request))
