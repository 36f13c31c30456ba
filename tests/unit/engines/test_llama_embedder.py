"""Embeddings in pieces: order of callers, cancellation and the size of a piece."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

import pytest

from deployments.engines.chat.llama_embedder import MAX_TOKENS, PIECE_TOKENS, LlamaEmbedder, split_pieces
from tests.waiting import wait_until


class ScriptedServer:
    """Embeds when ``allow`` is released. ``texts`` are those that it got."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.allow = threading.Semaphore(0)

    def handle_embeddings(self, body: Mapping[str, list[str]]) -> Mapping[str, object]:
        self.texts += body["input"]
        self.allow.acquire()
        row = {"index": 0, "embedding": [float(len(self.texts)), 1.0]}
        return {"data": [row], "usage": {"prompt_tokens": 2}}

    def handle_chat_completions(self, body: object, callback: object) -> None:
        raise NotImplementedError


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


@pytest.fixture
async def embedder(server: ScriptedServer) -> AsyncIterator[LlamaEmbedder]:
    embedder = LlamaEmbedder(lambda: server)
    yield embedder
    server.allow.release(1_000)
    await embedder.stop()


async def test_callers_take_turns(embedder: LlamaEmbedder, server: ScriptedServer) -> None:
    large = [asyncio.create_task(embedder.embed((f"a{n}", f"a{n}") * 50, "a")) for n in range(3)]
    await wait_until(lambda: server.texts)
    small = asyncio.create_task(embedder.embed(("b",) * 4, "b"))
    await asyncio.sleep(0)
    server.allow.release(20)
    await small
    assert 4 <= len(server.texts) <= 12, "the small request waits for one text of the others before each of its own"
    server.allow.release(1_000)
    await asyncio.gather(*large)


async def test_cancelled_call_ends_after_the_piece_in_progress(embedder: LlamaEmbedder, server: ScriptedServer) -> None:
    call = asyncio.create_task(embedder.embed(("text",) * 1_000, "a"))
    waiting = asyncio.create_task(embedder.embed(("other",), "b"))
    await wait_until(lambda: server.texts)
    await asyncio.sleep(0)
    waiting.cancel()
    call.cancel()
    server.allow.release(1_000)
    await wait_until(lambda: not embedder.live_calls)
    await asyncio.gather(call, waiting, return_exceptions=True)
    assert server.texts == ["text"]
    assert (await embedder.embed(("next",), "a")).tokens == 2


async def test_long_text_has_the_mean_vector_of_its_pieces(embedder: LlamaEmbedder, server: ScriptedServer) -> None:
    server.allow.release(1_000)
    vectors = await embedder.embed(("word " * 150,), "a")
    assert len(server.texts) == 2
    assert vectors.tokens == 4
    x, y = vectors.vectors[0]
    assert (x / y, x * x + y * y) == pytest.approx((1.5, 1))


@pytest.mark.parametrize(
    "text",
    [
        "a " * 5_000,
        "я" * 5_000,
        "ж щ " * 2_000,
        "\n\t1!" * 3_000,
        "👨‍👩‍👧" * 500,
        "Слово and word. " * 500,
        " " * 9_000,
        "\ud800" * 900,
    ],
)
def test_piece_fits_into_one_batch(text: str) -> None:
    pieces = list(split_pieces(text))
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece.encode("utf-8", "replace")) <= MAX_TOKENS for piece in pieces)
    assert all(len(piece.split()) <= PIECE_TOKENS * 2 for piece in pieces)
