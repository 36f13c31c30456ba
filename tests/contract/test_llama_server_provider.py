"""The HTTP server of llama.cpp as a custom provider: a real server in OpenAI's format, reached over a socket."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import xllamacpp

from deployments.cloud_connection import CheckedProviderConnection, ProviderAddress
from deployments.command.ports import free_port
from deployments.contracts.errors import ConversationTooLong
from deployments.contracts.events import ToolCallDelta, TurnFinished
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.engines.cloud.engine import CloudChatEngine, CloudModel
from deployments.engines.conformance import CHAT_CHECKS, check_conformance, collect, collect_text, make_turn
from deployments.engines.tool_conformance import chat_calls_tools_or_rejects_them, chat_sees_images_or_rejects_them
from deployments.outbound.response_body import OutboundLimits
from tests.contract.engine_options import LLAMA_MODEL, demo_model_path
from tests.unit.cloud.engines import LOOPBACK

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chosen: Any = xllamacpp.CommonParams()
    chosen.model.path = str(demo_model_path(LLAMA_MODEL))
    chosen.hostnames, chosen.port = ["127.0.0.1"], free_port()
    chosen.n_parallel, chosen.n_ctx, chosen.verbosity = 3, 3 * 1_024, -1
    chosen.ui, chosen.offline = False, True
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(chosen)
    yield chosen.port
    del server


@pytest_asyncio.fixture(loop_scope="module")
async def engine(port: int) -> AsyncIterator[CloudChatEngine]:
    kind = PROVIDER_KINDS["custom"]
    address = ProviderAddress(f"http://127.0.0.1:{port}/v1", kind)
    connection = CheckedProviderConnection(address, lambda: LOOPBACK, OutboundLimits(read_timeout_s=60))
    engine = CloudChatEngine(CloudModel("llama", "llama.cpp", kind, "smollm2", has_key=False), connection)
    yield engine
    await engine.close()


async def test_llama_server_conforms(engine: CloudChatEngine) -> None:
    """llama.cpp's server ignores tools that the template of the model has no place for, and answers 500 to images."""
    missing = (chat_calls_tools_or_rejects_them, chat_sees_images_or_rejects_them)
    await check_conformance(engine, [check for check in CHAT_CHECKS if check not in missing])


async def test_llama_server_lists_its_model(engine: CloudChatEngine) -> None:
    assert len(await engine.models()) == 1


@pytest.mark.parametrize("words", [3, 9])
async def test_llama_server_continues_an_answer_word_for_word(engine: CloudChatEngine, words: int) -> None:
    turn = make_turn("Name the days of the week.", max_tokens=40, temperature=0.0)
    whole = await collect_text(engine, turn)
    begun = " ".join(whole.split(" ")[:words])
    rest = await collect_text(engine, replace(turn, answer_prefix=begun))
    common = min(len(whole), len(begun + rest)) // 2
    assert (begun + rest)[:common] == whole[:common]


async def test_llama_server_applies_the_repetition_penalty(engine: CloudChatEngine) -> None:
    options = {"max_tokens": 40, "temperature": 0.0, "seed": 1}
    question = "Write the word no again and again."
    plain = await collect_text(engine, make_turn(question, **options))
    assert await collect_text(engine, make_turn(question, **options, repetition_penalty=1.9)) != plain


async def test_llama_server_counts_tokens(engine: CloudChatEngine) -> None:
    *deltas, finished = await collect(engine.stream(make_turn("Hello!", max_tokens=5, temperature=0.0)))
    assert isinstance(finished, TurnFinished)
    assert not any(isinstance(delta, ToolCallDelta) for delta in deltas)
    assert finished.usage.prompt_tokens > 5
    assert (finished.usage.completion_tokens, finished.usage.estimated) == (5, False)


async def test_llama_server_names_a_conversation_that_is_too_long(engine: CloudChatEngine) -> None:
    with pytest.raises(ConversationTooLong):
        await collect(engine.stream(make_turn("word " * 3_000, max_tokens=5)))
