"""A cloud provider as a chat engine: builds the request with litellm, streams it over a checked connection.

The engine runs in the process of a door. It holds no key: the connection adds it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import orjson

from deployments.contracts.chat import ChatTurn, ImagePart
from deployments.contracts.engines import ChatEvent
from deployments.contracts.events import TextDelta, TurnFinished, Usage
from deployments.contracts.provider_errors import NotSupported, ProviderKeyRefused
from deployments.contracts.provider_kinds import Prefill, ProviderKind
from deployments.contracts.sampling import Sampling
from deployments.contracts.speech import EngineStatus
from deployments.contracts.streams import Closing
from deployments.engines.base import AsyncEngine
from deployments.engines.chat.stopwatch import Stopwatch
from deployments.engines.chat.turn_checks import check_turn
from deployments.engines.cloud.connection import ProviderConnection
from deployments.engines.cloud.failures import ProviderNames, filtered
from deployments.engines.cloud.litellm_library import LiteLlmModel, ProviderUsage, load_model
from deployments.engines.cloud.messages import data_url, request_messages
from deployments.engines.cloud.parameters import ParameterRules
from deployments.engines.cloud.provider_api import ProviderApi
from deployments.engines.cloud.reply import CloudReply
from deployments.text.continuation import ContinuationFilter

_CHARACTERS_PER_TOKEN = 4
_IMAGE_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """US dollars per million tokens, for models that litellm's price table lacks."""

    input: float
    output: float

    def cost(self, usage: ProviderUsage) -> float:
        return (usage.prompt_tokens * self.input + usage.completion_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class CloudModel:
    """The configuration of one provider. ``admit`` raises BudgetUsed when the daily budget of the provider is used
    up."""

    id: str
    name: str
    kind: ProviderKind
    model_name: str
    params: Sampling = field(default_factory=Sampling)
    prices: TokenPrices | None = None
    languages: tuple[str, ...] = ()
    has_key: bool = True
    admit: Callable[[], None] = lambda: None


class CloudChatEngine(AsyncEngine):
    """ChatEngine for one provider. It needs no ``start``: nothing is loaded before the first answer or ``warm_up``.

    The owner calls ``close`` when no stream is left.
    """

    def __init__(self, model: CloudModel, connection: ProviderConnection) -> None:
        super().__init__("chat", "cloud", model.model_name)
        self._model = model
        self._connection = connection
        self._names = ProviderNames(model.name, model.model_name)
        self._api = ProviderApi(connection, model.kind, self._names)
        self._rules = ParameterRules(model.name, model.model_name, model.kind, model.params)
        self._library: LiteLlmModel | None = None
        self._loading = asyncio.Lock()
        self._idle = asyncio.Event()
        self._health.mark_ready()

    @property
    def live_streams(self) -> int:
        return self._live_streams

    def status(self) -> EngineStatus:
        return replace(super().status(), languages=self._model.languages)

    def estimate_cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars; 0 before the first answer and for unknown prices."""
        return self._cost(ProviderUsage(prompt_tokens, completion_tokens), self._library) if self._library else 0.0

    async def warm_up(self) -> None:
        """Imports litellm, so that the first answer does not wait for it."""
        await self._load()

    async def close_when_idle(self) -> None:
        """Closes the connections when the last stream has ended."""
        if self._live_streams:
            await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        await self.stop()
        await self._connection.close()

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises InvalidRequest, NotSupported, BudgetUsed, ProviderKeyRefused. In the stream: ProviderFailed,
        ConversationTooLong, NotSupported, OutboundRefused."""
        self._health.require_ready()
        check_turn(turn)
        self._rules.check(turn)
        if self._model.kind.requires_key and not self._model.has_key:
            raise ProviderKeyRefused(f"{self._model.name} has no API key: enter one in its settings")
        self._model.admit()
        return self._counted(turn)

    async def models(self) -> tuple[str, ...]:
        """The model names that the provider lists. Raises ProviderFailed."""
        return await self._api.models()

    async def _counted(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        self._idle.clear()
        try:
            with self._live_stream():
                async with Closing(self._stream(turn)) as events:
                    async for event in events:
                        yield event
        finally:
            if not self._live_streams:
                self._idle.set()

    async def _stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        stopwatch, written = Stopwatch(), 0
        library = await self._load()
        prefill = self._prefill(library)
        parameters, extra = self._rules.parameters(turn, library)
        messages = request_messages(turn, await self._inlined_images(turn, library), prefill, self._model.kind.dialect)
        request = library.request(messages, parameters)
        reply = CloudReply(library.parser(parameters), self._names, self._model.kind.dialect)
        body = orjson.dumps(request.body | extra | dict(self._model.kind.body) | self._prefill_body(turn, prefill))
        path = prefill.path if prefill and turn.answer_prefix else ""
        joint = _Joint(turn.answer_prefix, prefill)
        async with Closing(self._api.chat(reply, request.headers, body, path)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    event = TextDelta(joint.feed(event.text))
                    if not event.text:
                        continue
                    written += len(event.text)
                stopwatch.first_token()
                yield event
        if rest := joint.finish():
            written += len(rest)
            yield TextDelta(rest)
        if reply.finish_reason == "content_filter" and not written:
            raise filtered(self._names)
        usage = reply.usage or _estimated_usage(turn, written)
        yield TurnFinished(
            reply.finish_reason or "stop",
            Usage(
                usage.prompt_tokens,
                usage.completion_tokens,
                usage.cached_tokens,
                cost=self._cost(usage, library),
                estimated=reply.usage is None,
            ),
            stopwatch.timings(),
            route=f"cloud:{self._model.id}",
            model=self._model.model_name,
        )

    async def _load(self) -> LiteLlmModel:
        if self._library is None:
            async with self._loading:
                if self._library is None:
                    self._library = await load_model(self._model.kind, self._model.model_name)
        return self._library

    def _prefill(self, library: LiteLlmModel) -> Prefill | None:
        """How the model continues an answer; litellm knows models of a kind that no longer do."""
        known = library.supports("assistant_prefill")
        return None if known is False and self._model.kind.litellm_provider == "anthropic" else self._model.kind.prefill

    def _prefill_body(self, turn: ChatTurn, prefill: Prefill | None) -> dict[str, object]:
        return dict(prefill.body) if prefill and turn.answer_prefix else {}

    async def _inlined_images(self, turn: ChatTurn, library: LiteLlmModel) -> dict[str, str]:
        """Images on the web as data URLs: only the checked connection fetches what a caller names."""
        images: list[ImagePart] = [image for message in turn.messages for image in message.images]
        if not images:
            return {}
        known = library.supports("vision")
        if not (self._model.kind.images if known is None else known):
            raise NotSupported(f"the model {self._model.model_name} cannot see images", param="messages")
        urls = {image.url for image in images if not image.url.startswith("data:")}
        return {url: data_url(*await self._connection.fetch_image(url)) for url in urls}

    def _cost(self, usage: ProviderUsage, library: LiteLlmModel) -> float:
        if usage.cost is not None:
            return usage.cost
        if self._model.prices is not None:
            return self._model.prices.cost(usage)
        return library.cost(usage) or 0.0


class _Joint:
    """Joins the start of an answer to its continuation."""

    def __init__(self, prefix: str, prefill: Prefill | None) -> None:
        self._skips_space = bool(prefix) and prefix[-1].isspace()
        self._filter = ContinuationFilter(prefix) if prefix and prefill is None else None

    def feed(self, text: str) -> str:
        if self._filter is not None:
            return self._filter.feed(text)
        if self._skips_space:
            text = text.lstrip()
            self._skips_space = not text
        return text

    def finish(self) -> str:
        return self._filter.finish() if self._filter is not None else ""


def _estimated_usage(turn: ChatTurn, written: int) -> ProviderUsage:
    """For a provider that reports no usage."""
    characters = sum(len(message.content) for message in turn.messages) + len(turn.answer_prefix)
    images = sum(len(message.images) for message in turn.messages)
    return ProviderUsage(
        max(1, characters // _CHARACTERS_PER_TOKEN) + images * _IMAGE_TOKENS, -(-written // _CHARACTERS_PER_TOKEN)
    )
