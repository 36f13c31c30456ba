"""LocalLlm with llama.cpp: its model is switched there and back, and a file that does not load keeps the old one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deployments.arguments import ChatArgs
from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.events import TextDelta
from deployments.local_llm import LocalLlm
from deployments.models.store import ModelStore
from tests.serve.secretary_process import MODELS
from tests.unit.administration.switching_replica import install_gguf
from tests.waiting import wait_until

pytestmark = pytest.mark.model

_GGUF = MODELS / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_HELLO = ChatTurn(
    "t", TurnSource(SourceKind.API), (ChatMessage("user", "Say hello."),), GenerationOptions(max_tokens=2, seed=1)
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    store = ModelStore(tmp_path / "models")
    for model_id in ("first", "second", "broken"):
        install_gguf(store, model_id, b"GGUF")
    for model_id in ("first", "second"):
        path = store.directory(model_id) / f"{model_id}.gguf"
        path.unlink()
        os.symlink(_GGUF, path)
        manifest = store.directory(model_id) / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"size": 4', f'"size": {_GGUF.stat().st_size}'))
    return store.root


@asynccontextmanager
async def running(models: Path) -> AsyncIterator[LocalLlm]:
    options = {"model": "model://first/first.gguf", "context": 512, "slots": 1, "threads": 1, "languages": ["en"]}
    replica = LocalLlm(ChatArgs(engine="llama_cpp", options=options), models, models.parent / "run")
    await replica.start()
    await wait_until(lambda: replica.ready(), timeout_s=60)
    yield replica
    await replica.stop()


async def answer(replica: LocalLlm) -> str:
    return "".join([event.text async for event in replica.stream(_HELLO) if isinstance(event, TextDelta)])


async def status(replica: LocalLlm) -> tuple[bool, str, tuple[str, ...]]:
    (found,) = await replica.statuses()
    return found.ready, found.model, found.languages


async def test_model_is_switched_kept_and_remembered(models: Path) -> None:
    async with running(models) as replica:
        assert await answer(replica)
        assert await status(replica) == (True, "first", ("en",))
        await replica.switch_model("second")
        assert await answer(replica)
        assert (await status(replica), replica.hosted().model) == ((True, "second", ()), "second")
        for unusable, text in (("broken", "broken.gguf"), ("nobody", "nobody"), ("../first", "model id")):
            await replica.switch_model(unusable)
            await wait_until(lambda: replica.ready(), timeout_s=60)
            assert text in replica.hosted().switch_error
            assert (replica.hosted().model, replica.hosted().switching_to) == ("second", None)
            assert await answer(replica)
    async with running(models) as replica:
        assert (await status(replica))[1] == "second"
        await replica.switch_model("")
        assert (await status(replica), await answer(replica) != "") == ((True, "first", ("en",)), True)
    async with running(models) as replica:
        assert (await status(replica))[1] == "first"


async def test_remembered_model_that_is_gone_gives_way_to_the_graph(models: Path) -> None:
    folder = models.parent / "run" / "hosted-models"
    folder.mkdir(parents=True)
    (folder / "chat").write_text("deleted")
    async with running(models) as replica:
        assert await answer(replica)
        assert ("deleted" in replica.hosted().switch_error, replica.hosted().model) == (True, "")
    assert not (folder / "chat").exists()
