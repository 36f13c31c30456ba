"""``POST /v1/embeddings``: text embeddings of a local model, if it supports them."""

import base64
from array import array
from sys import byteorder

import orjson
from starlette.types import Receive, Scope, Send

from deployments.api.disconnect import CancelOnDisconnect
from deployments.api.door import Door
from deployments.api.embeddings.schemas import EmbeddingsBody
from deployments.api.models.model_names import ChatTarget
from deployments.api.request_body import read_json
from deployments.api.request_context import get_request_context
from deployments.contracts.chat import LOCAL_ROUTE, EmbeddingVectors, RouteKind, SourceKind
from deployments.contracts.engines import Embedder
from deployments.contracts.errors import InvalidRequest, ModelNotFound, SecretaryError, TextTooLong
from deployments.conversation.token_estimates import MIN_TOKENS_PER_CHARACTER, estimate_text_tokens
from deployments.conversation.usage_estimates import estimate_tokens, is_rejection
from deployments.conversation.usage_tracker import UsageAmount

_OPENAI_NAMES = frozenset(("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"))
_MAX_INPUTS = 2_048
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
            texts = _texts(body)
            _check_budget(texts, limits.max_embedding_tokens)
            async with CancelOnDisconnect(receive):
                embedder = await self._embedder(body.model)
                data = orjson.dumps(_response(body, await self._embed(embedder, texts, context.required_key.id)))
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": data})

    async def _embed(self, embedder: Embedder, texts: tuple[str, ...], key_id: int) -> EmbeddingVectors:
        """Embeds ``texts`` and records the usage: the tokens that the model reports, an estimate when it fails or is
        cancelled, none when it rejects the request."""
        used = UsageAmount(requests=1, prompt_tokens=estimate_tokens(sum(len(text) for text in texts)))
        try:
            vectors = await embedder.embed(texts, f"key:{key_id}")
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
        target = ChatTarget() if model in _OPENAI_NAMES else await self._door.model_names.target(model)
        route = target.route or LOCAL_ROUTE
        embedder = embedders.get(route.name or next(iter(embedders))) if route.kind is RouteKind.LOCAL else None
        if embedder is None:
            raise ModelNotFound(f"{model} makes no embeddings; local models: {', '.join(embedders)}.", param="model")
        return embedder


def _texts(body: EmbeddingsBody) -> tuple[str, ...]:
    items = (body.input,) if isinstance(body.input, str) else tuple(body.input)
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) < len(items):
        raise InvalidRequest("Token ids are not supported; send text.", param="input")
    if not all(text.strip() for text in texts) or not 0 < len(texts) <= _MAX_INPUTS:
        raise InvalidRequest(f"Send 1 to {_MAX_INPUTS} non-empty texts.", param="input")
    return texts


def _check_budget(texts: tuple[str, ...], max_tokens: int) -> None:
    """Raises TextTooLong when ``texts`` have more than ``max_tokens`` tokens together (estimated)."""
    too_long = sum(map(len, texts)) * MIN_TOKENS_PER_CHARACTER > max_tokens
    if not too_long and sum(map(estimate_text_tokens, texts)) <= max_tokens:
        return
    raise TextTooLong(
        f"The texts of one request have at most {max_tokens} tokens together (limits.max_embedding_tokens, estimated).",
        param="input",
    )


def _response(body: EmbeddingsBody, vectors: EmbeddingVectors) -> dict[str, object]:
    length = len(vectors.vectors[0]) if vectors.vectors else 0
    if body.dimensions not in (None, length):
        raise InvalidRequest(f"The vectors of this model have {length} dimensions.", param="dimensions")
    encode = _base64 if body.encoding_format == "base64" else list
    data = [
        {"object": "embedding", "index": i, "embedding": encode(vector)} for i, vector in enumerate(vectors.vectors)
    ]
    return {"object": "list", "data": data, "model": body.model, "usage": _usage(vectors.tokens)}


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian 32-bit floats, as in the OpenAI API."""
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
