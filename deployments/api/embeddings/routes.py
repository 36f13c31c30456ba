"""``POST /v1/embeddings``: text embeddings of a local model, if it supports them."""

import asyncio
import base64
import math
from array import array
from collections.abc import Iterator
from sys import byteorder

import orjson
from starlette.types import Receive, Scope, Send

from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.embeddings.schemas import EmbeddingsBody
from deployments.api.models.model_names import ChatTarget
from deployments.api.request_body import read_json
from deployments.api.request_context import RequestContext, get_request_context
from deployments.contracts.chat import LOCAL_ROUTE, EmbeddingVectors, RouteKind, SourceKind
from deployments.contracts.engines import Embedder
from deployments.contracts.errors import InvalidRequest, ModelNotFound, SecretaryError, TextTooLong
from deployments.conversation.usage_estimates import estimate_tokens, is_rejection
from deployments.conversation.usage_tracker import UsageAmount
from deployments.text.cl100k import UnknownToken, decode_tokens

_MAX_INPUTS = 2_048
_MAX_CHARACTERS_PER_TOKEN = 16
"""No text has more per token in the mean, except one of spaces."""
_ROUTE = "embeddings"


class EmbeddingsEndpoint:
    """Serves embeddings of ``door``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = get_request_context(scope)
        limits = context.snapshot.settings.limits
        async with self._door.slots.waited_for(limits.max_live_streams, context.key):
            body = await read_json(scope, receive, EmbeddingsBody)
            texts = await _texts(body)
            _check_length(texts, limits.max_embedding_tokens)
            async with CancelOnDisconnect(receive):
                embedder = await self._embedder(body.model)
                data = orjson.dumps(_response(body, await self._embed(embedder, texts, context)))
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": data})

    async def _embed(self, embedder: Embedder, texts: tuple[str, ...], context: RequestContext) -> EmbeddingVectors:
        """Embeds ``texts`` and records the usage: the tokens that the model reports, an estimate when it fails or is
        cancelled, none when it rejects the request."""
        key_id, limit = context.required_key.id, context.snapshot.settings.limits.max_embedding_tokens
        used = UsageAmount(requests=1, prompt_tokens=estimate_tokens(sum(len(text) for text in texts)))
        try:
            vectors = await embedder.embed(texts, f"key:{key_id}", limit)
            used = UsageAmount(requests=1, prompt_tokens=vectors.tokens)
            return vectors
        except SecretaryError as error:
            used = UsageAmount(requests=1) if is_rejection(error) else used
            raise
        finally:
            self._door.usage.add(key_id, SourceKind.API.value, _ROUTE, used)

    async def _embedder(self, model: str) -> Embedder:
        embedders = self._door.embedders
        if not embedders:
            raise ModelNotFound("No model supports embeddings.", param="model")
        names = self._door.model_names
        target = ChatTarget() if names.is_embedding_name(model) else await names.target(model)
        route = target.route or LOCAL_ROUTE
        embedder = embedders.get(route.name or next(iter(embedders))) if route.kind is RouteKind.LOCAL else None
        if embedder is None:
            raise ModelNotFound(f"{model} makes no embeddings; local models: {', '.join(embedders)}.", param="model")
        return embedder


async def _texts(body: EmbeddingsBody) -> tuple[str, ...]:
    """The texts, decoded from token ids where those were sent. Raises InvalidRequest."""
    items = list(_items(body.input))
    if not 0 < len(items) <= _MAX_INPUTS:
        raise InvalidRequest(f"Send 1 to {_MAX_INPUTS} non-empty texts.", param="input")
    if all(isinstance(item, str) for item in items):
        texts = tuple(item for item in items if isinstance(item, str))
    else:
        texts = await asyncio.to_thread(_decoded, [item for item in items if isinstance(item, list)])
    if not all(text.strip() for text in texts):
        raise InvalidRequest(f"Send 1 to {_MAX_INPUTS} non-empty texts.", param="input")
    return texts


def _items(given: str | list[str] | list[int] | list[list[int]]) -> Iterator[str | list[int]]:
    if isinstance(given, str):
        yield given
    elif given and isinstance(given[0], int):
        yield [each for each in given if isinstance(each, int)]
    else:
        yield from (each for each in given if isinstance(each, str | list))


def _decoded(items: list[list[int]]) -> tuple[str, ...]:
    try:
        return tuple(map(decode_tokens, items))
    except UnknownToken as error:
        raise InvalidRequest(f"Send texts, or token ids of cl100k_base: {error}.", param="input") from None


def _check_length(texts: tuple[str, ...], max_tokens: int) -> None:
    """Raises TextTooLong for texts that have more than ``max_tokens`` tokens in any model. The model counts them."""
    if sum(map(len, texts)) > max_tokens * _MAX_CHARACTERS_PER_TOKEN:
        raise TextTooLong(
            f"The texts of one request have at most {max_tokens} tokens together (limits.max_embedding_tokens).",
            param="input",
        )


def _response(body: EmbeddingsBody, vectors: EmbeddingVectors) -> dict[str, object]:
    length = len(vectors.vectors[0]) if vectors.vectors else 0
    if body.dimensions is not None and body.dimensions > length:
        raise InvalidRequest(f"The vectors of this model have {length} dimensions.", param="dimensions")
    encode = _base64 if body.encoding_format == "base64" else list
    shortened = (_shortened(vector, body.dimensions or length) for vector in vectors.vectors)
    data = [{"object": "embedding", "index": i, "embedding": encode(vector)} for i, vector in enumerate(shortened)]
    return {"object": "list", "data": data, "model": body.model, "usage": _usage(vectors.tokens)}


def _shortened(vector: tuple[float, ...], dimensions: int) -> tuple[float, ...]:
    """The first ``dimensions`` numbers as a unit vector; a whole vector stays as it is."""
    if dimensions == len(vector):
        return vector
    length = math.hypot(*vector[:dimensions]) or 1.0
    return tuple(value / length for value in vector[:dimensions])


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian 32-bit floats, as in the OpenAI API."""
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
