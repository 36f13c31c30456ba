"""litellm as a library of request formats, reply parsers and prices. It never opens a connection here.

Its import takes seconds and more than 100 MB, so it happens in a thread, once per process, and only when a provider is
used. ``LiteLlmModel`` is the only user of its functions; its streaming wrapper is not used (docs/adr/0013).
"""

import asyncio
import logging
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from deployments.contracts.commands import install_command
from deployments.contracts.errors import Unavailable
from deployments.contracts.provider_errors import NotSupported
from deployments.contracts.provider_kinds import Dialect, ProviderKind

_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the price table of the package, not the one on GitHub
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",  # does not read a .env file
    "LITELLM_LOG": "ERROR",
}
_NO_KEY = "key-is-added-by-the-connection"
_KEY_HEADERS = frozenset({"authorization", "x-api-key", "x-goog-api-key"})
_REQUIRED_FIELDS: Mapping[str, Any] = {"id": "", "created": 0, "model": "", "choices": []}
"""Fields that some of litellm's parsers need and some servers leave out."""
_FIRST_CHUNKS: Mapping[Dialect, Mapping[str, Any]] = {
    Dialect.OPENAI: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "."}, "finish_reason": None}]},
    Dialect.ANTHROPIC: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "."}},
    Dialect.GEMINI: {"candidates": [{"content": {"role": "model", "parts": [{"text": "."}]}, "index": 0}]},
}
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class ProviderUsage:
    """Token counts of one answer. ``cost`` is in US dollars where the provider reports it."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body and the headers of a request, without the key."""

    body: dict[str, Any]
    headers: dict[str, str]


ChunkParser = Callable[[dict[str, Any]], Any]
"""Converts a decoded event to litellm's ModelResponseStream, or None."""


async def load_model(kind: ProviderKind, name: str) -> "LiteLlmModel":
    """Imports litellm if necessary, in a thread. Raises Unavailable when the extra is not installed."""
    return await asyncio.to_thread(_load_model, kind, name)


def _load_model(kind: ProviderKind, name: str) -> "LiteLlmModel":
    with _loading, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.update(_ENVIRONMENT)
        try:
            import litellm
        except ImportError as error:
            raise Unavailable(
                "cloud providers need litellm", remedy=install_command("cloud"), retry_after_s=60
            ) from error
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        litellm.drop_params = False
        litellm.modify_params = False
        litellm.turn_off_message_logging = True
        for logger in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        model = LiteLlmModel(kind, name)
        model.warm_up()
        return model


class LiteLlmModel:
    """The request format, the reply parser and the prices of one model. Thread-safe."""

    def __init__(self, kind: ProviderKind, name: str) -> None:
        from litellm.types.utils import LlmProviders
        from litellm.utils import ProviderConfigManager

        self._kind = kind
        self._name = name
        self._config: Any = ProviderConfigManager.get_provider_chat_config(name, LlmProviders(kind.litellm_provider))
        self._facts = _facts(kind, name)
        self._supported = frozenset(self._config.get_supported_openai_params(name))

    def warm_up(self) -> None:
        """Builds a request and parses a chunk: litellm imports and compiles much of itself at the first use."""
        self.request([{"role": "user", "content": "."}], {"max_tokens": 1})
        self.parser({})(dict(_FIRST_CHUNKS[self._kind.dialect]))

    def supports(self, ability: str) -> bool | None:
        """What litellm's model table says about ``ability`` (``vision``, ``assistant_prefill``); None for models that
        it does not know."""
        if not self._facts:
            return None
        return bool(self._facts.get(f"supports_{ability}"))

    def accepts(self, parameter: str, value: object) -> bool:
        """Whether the model takes ``value`` for a parameter of OpenAI's API. litellm refuses some parameters and drops
        others."""
        try:
            return parameter in self._supported and bool(self._map({parameter: value}))
        except NotSupported:
            return False

    def request(self, messages: list[dict[str, Any]], parameters: dict[str, Any]) -> RequestBody:
        """The request in the format of the provider. Raises NotSupported for a parameter that the model lacks."""
        options = self._map({**parameters, "stream": True})
        headers = self._headers(messages, options)
        if self._kind.dialect is Dialect.GEMINI:
            body = self._gemini_body(messages, options)
        else:
            body = self._config.transform_request(self._name, messages, options, {}, dict(headers))
        body.pop("json_mode", None)
        return RequestBody(body, headers)

    def parser(self, parameters: Mapping[str, Any]) -> ChunkParser:
        """A parser for one reply; it counts tool calls."""
        nothing: Any = iter(())
        if self._kind.dialect is Dialect.GEMINI:
            from litellm.llms.vertex_ai.gemini import vertex_and_google_ai_studio_gemini as gemini

            request = SimpleNamespace(optional_params={}, litellm_params={}, model_call_details={})
            iterator = gemini.ModelResponseIterator(nothing, True, request)
        elif self._kind.dialect is Dialect.ANTHROPIC:
            from litellm.llms.anthropic.chat import handler as anthropic

            iterator = anthropic.ModelResponseIterator(nothing, True, json_mode="response_format" in parameters)
        else:
            iterator = self._config.get_model_response_iterator(nothing, sync_stream=True)
        parse: ChunkParser = iterator.chunk_parser
        if self._kind.dialect is Dialect.OPENAI:
            return lambda chunk: parse({**_REQUIRED_FIELDS, **chunk})
        if self._kind.dialect is Dialect.GEMINI:
            return lambda chunk: _unfinished_unless_said(chunk, parse(chunk))
        return parse

    def cost(self, usage: ProviderUsage) -> float | None:
        """US dollars by litellm's price table; None for a model that it does not contain."""
        price_in, price_out = self._facts.get("input_cost_per_token"), self._facts.get("output_cost_per_token")
        if price_in is None or price_out is None:
            return None
        cached_price = self._facts.get("cache_read_input_token_cost")
        cached = usage.cached_tokens if cached_price is not None else 0
        fresh = max(0, usage.prompt_tokens - cached)
        return float(fresh * price_in + cached * (cached_price or 0) + usage.completion_tokens * price_out)

    def _map(self, parameters: dict[str, Any]) -> dict[str, Any]:
        from litellm.exceptions import UnsupportedParamsError

        try:
            mapped: dict[str, Any] = self._config.map_openai_params(dict(parameters), {}, self._name, drop_params=False)
        except UnsupportedParamsError as error:
            name = next((each for each in parameters if each in str(error)), None)
            raise NotSupported(f"{self._kind.title} cannot apply {name} for {self._name}", param=name) from None
        except Exception as error:
            raise NotSupported(f"{self._kind.title} cannot send this request: {type(error).__name__}") from error
        return mapped

    def _headers(self, messages: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, str]:
        found = self._config.validate_environment(
            {}, self._name, list(messages), dict(options), {}, api_key=_NO_KEY, api_base="https://localhost"
        )
        return {name.lower(): str(value) for name, value in found.items() if name.lower() not in _KEY_HEADERS}

    def _gemini_body(self, messages: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
        from litellm.llms.vertex_ai.gemini.transformation import transform_request_body

        options.pop("stream", None)
        return dict(transform_request_body(messages, self._name, options, "gemini", {}, None))


def _unfinished_unless_said(chunk: Mapping[str, Any], parsed: Any) -> Any:
    """litellm marks every chunk of Gemini as the last one; a cut stream would look complete."""
    candidates = chunk.get("candidates")
    if candidates and not any(candidate.get("finishReason") for candidate in candidates):
        for choice in parsed.choices:
            choice.finish_reason = None
    return parsed


def _facts(kind: ProviderKind, name: str) -> Mapping[str, Any]:
    """The entry of litellm's model table, or nothing."""
    import litellm

    for key in (f"{kind.litellm_provider}/{name}", name):
        entry = litellm.model_cost.get(key)
        if entry and entry.get("litellm_provider") == kind.litellm_provider:
            found: Mapping[str, Any] = entry
            return found
    return {}
