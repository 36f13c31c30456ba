"""The engine vllm without vLLM: sleeping, and starts that fail."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import EngineFailed, EngineTimeout, InvalidRequest, ModelMissing
from deployments.contracts.events import TextDelta, TurnFinished, Usage
from deployments.engines.chat.vllm_engine import VllmEngine
from deployments.engines.chat.vllm_model import VllmModel, wake_up
from deployments.engines.chat.vllm_options import VllmOptions
from deployments.engines.chat.vllm_process import VllmProcess
from deployments.engines.conformance import collect, make_turn
from deployments.engines.host import EngineHost
from tests.waiting import wait_until


class FakeModel:
    """Records what a card would be asked to do. The answer is one word."""

    adapters: tuple[str, ...] = ()
    max_model_len = 64
    is_dead = False
    finish_reason = "stop"
    usage = Usage(1, 1)

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def sleep(self, level: int) -> None:
        self.calls.append(f"sleep {level}")

    async def wake(self, level: int) -> None:
        self.calls.append(f"wake {level}")

    def end_streams(self, error: Exception) -> None:
        self.calls.append("end")

    def request(self, turn: ChatTurn) -> object:
        return turn

    def reply(self, turn: ChatTurn, request: object) -> "FakeModel":
        return self

    def read(self, output: str) -> list[TextDelta]:
        return [TextDelta(output)]

    async def generate(self, request: object, adapter: str) -> AsyncIterator[str]:
        self.calls.append("generate")
        yield "hello"


def build_engine(folder: Path, model: FakeModel, **options: Any) -> VllmEngine:
    async def start(process: VllmProcess, given: VllmOptions) -> VllmModel:
        return cast(VllmModel, model)

    return VllmEngine(VllmOptions(model=folder, **options), start)


@pytest.mark.parametrize("level", [1, 2])
async def test_vllm_first_request_wakes_a_sleeping_engine(tmp_path: Path, level: int) -> None:
    model = FakeModel()
    host = EngineHost("chat", "chat", "vllm", lambda: build_engine(tmp_path, model, sleep_level=level))
    host.start()
    await wait_until(lambda: host.loaded_engine)
    engine = host.engine()
    for _ in range(2):
        await engine.sleep()
    host.check_health()
    assert (host.status().ready, host.status().error) == (False, "asleep")
    events = await collect(engine.stream(make_turn("Hello?")))
    assert [type(event) for event in events] == [TextDelta, TurnFinished]
    await engine.wake()
    assert model.calls == [f"sleep {level}", f"wake {level}", "generate"]
    assert (host.status().ready, host.status().error) == (True, "")
    await host.stop()


async def test_vllm_without_sleep_level_refuses_to_sleep(tmp_path: Path) -> None:
    engine = build_engine(tmp_path, FakeModel())
    await engine.start()
    with pytest.raises(InvalidRequest, match="sleep_level"):
        await engine.sleep()
    assert engine.status().ready


@pytest.mark.parametrize(
    ("level", "steps"), [(1, ["wake None"]), (2, ["wake ['weights']", "reload_weights", "wake ['kv_cache']"])]
)
async def test_vllm_waking_from_level_2_reads_the_weights(level: int, steps: list[str]) -> None:
    done: list[str] = []

    class FakeLlm:
        async def wake_up(self, tags: list[str] | None = None) -> None:
            done.append(f"wake {tags}")

        async def collective_rpc(self, method: str) -> None:
            done.append(method)

    await wake_up(cast(Any, FakeLlm()), level)
    assert done == steps


async def test_vllm_missing_files_name_the_remedy(tmp_path: Path) -> None:
    for options in ({"model": tmp_path / "none"}, {"model": tmp_path, "adapters": {"lawyer": tmp_path / "none"}}):
        engine = VllmEngine(VllmOptions(**options))
        with pytest.raises(ModelMissing, match="none does not exist"):
            await engine.start()
        assert not engine.status().ready


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (RuntimeError("no card\nmore"), EngineFailed, "RuntimeError: no card$"),
        (TimeoutError(), EngineTimeout, "load_timeout_s"),
        (EngineFailed("known"), EngineFailed, "known"),
    ],
)
async def test_vllm_failed_start_has_one_kind_of_error(
    tmp_path: Path, error: Exception, expected: type[Exception], message: str
) -> None:
    async def start(process: VllmProcess, options: VllmOptions) -> VllmModel:
        raise error

    engine = VllmEngine(VllmOptions(model=tmp_path), start)
    with pytest.raises(expected, match=message):
        await engine.start()
    assert not engine.status().ready
