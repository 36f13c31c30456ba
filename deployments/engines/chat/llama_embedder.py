"""Text vectors of llama.cpp. Its embeddings call cannot be cancelled, so each call gets one short piece of text.

A longer text has the mean vector of its pieces, weighted by their tokens, as in the OpenAI cookbook ("Embedding texts
that are longer than the model's maximum context length"). Pieces of different callers take turns.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deployments.contracts.chat import EmbeddingVectors
from deployments.contracts.deadlines import DeadlinePlaces
from deployments.contracts.playout import Playout
from deployments.engines.chat.embedding_limit import check_embedding_tokens
from deployments.engines.chat.llama_reply import parse_vectors
from deployments.engines.chat.llama_server import LlamaServer
from deployments.engines.worker_threads import WorkerThreads

PIECE_TOKENS = 128
"""Tokens of one piece, estimated: about half a second of one core with a model of 135 million parameters."""
MAX_TOKENS = 512
"""More than the tokens of any piece: a token has at least one byte, and a word of two bytes with its space is one."""

_ASCII_WORD_COST = 0.3
"""Tokens for a letter or a space of ASCII, roughly. Other characters may take a token for each byte."""


class LlamaEmbedder:
    """Computes vectors on one thread of its own. ``stop`` ends it. ``load`` is called by the first text."""

    def __init__(self, load: Callable[[], LlamaServer]) -> None:
        self._load = load
        self._server: LlamaServer | None = None
        self._threads = WorkerThreads("llama_cpp embeddings", 1)
        self._turns = DeadlinePlaces()

    @property
    def live_calls(self) -> int:
        return self._threads.live_streams

    async def embed(self, texts: tuple[str, ...], caller: str, max_tokens: int | None = None) -> EmbeddingVectors:
        """One unit vector per text. A cancelled call ends after the piece in progress. Raises TextTooLong."""
        vectors, tokens = [], 0
        for text in texts:
            pieces: list[EmbeddingVectors] = []
            for piece in split_pieces(text):
                pieces.append(await self._embed_piece(piece, caller))
                tokens += pieces[-1].tokens
                check_embedding_tokens(tokens, max_tokens)
            vectors.append(_weighted_mean(pieces))
        return EmbeddingVectors(tuple(vectors), tokens)

    async def stop(self) -> None:
        """Waits for the piece in progress; other calls end with Unavailable."""
        await self._threads.stop()

    async def _embed_piece(self, text: str, caller: str) -> EmbeddingVectors:
        async with self._turns.place(Playout(caller=caller)):
            return parse_vectors(await self._threads.call(lambda: self._vectors(text)))

    def _vectors(self, text: str) -> Mapping[str, Any]:
        if self._server is None:
            self._server = self._load()
        return self._server.handle_embeddings({"input": [text]})


def split_pieces(text: str, tokens: int = PIECE_TOKENS) -> Iterator[str]:
    """``text`` in pieces of at most ``tokens`` tokens (estimated), cut after spaces where possible.

    Spaces at both ends of a piece and pieces of spaces only are left out.
    """
    start, space, cost, cost_at_space = 0, 0, 0.0, 0.0
    for position, character in enumerate(text):
        cost += _cost(character)
        if cost > tokens:
            end, spent = (space, cost_at_space) if space > start else (position, cost - _cost(character))
            if piece := text[start:end].strip():
                yield piece
            start, cost = end, cost - spent
        if character.isspace():
            space, cost_at_space = position + 1, cost
    if piece := text[start:].strip():
        yield piece


def _cost(character: str) -> float:
    if character.isascii():
        return _ASCII_WORD_COST if character.isalpha() or character == " " else 1.0
    return float(len(character.encode("utf-8", "replace")))


def _weighted_mean(pieces: list[EmbeddingVectors]) -> tuple[float, ...]:
    if len(pieces) == 1:
        return pieces[0].vectors[0]
    columns = zip(*(piece.vectors[0] for piece in pieces), strict=True)
    weights = [piece.tokens for piece in pieces]
    total = [sum(value * weight for value, weight in zip(column, weights, strict=True)) for column in columns]
    length = sum(value * value for value in total) ** 0.5
    return tuple(value / length for value in total) if length else tuple(total)
