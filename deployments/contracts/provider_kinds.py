"""The kinds of cloud providers. A kind is a row of data: adding one needs no code.

Sources: the API references of the providers, read in November 2026. ``docs/providers.md`` has the table of parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Dialect(StrEnum):
    """The wire format of a provider."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


@dataclass(frozen=True, slots=True)
class SuggestedModel:
    """``free`` means that the provider offers the model without payment, within limits."""

    name: str
    free: bool = False


@dataclass(frozen=True, slots=True)
class Prefill:
    """How a provider continues an answer whose start is the last assistant message.

    ``path`` replaces the end ``/v1`` of the base URL. ``message`` and ``body`` are fields that the API needs.
    """

    path: str = ""
    message: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)


_COMMON = frozenset({"max_tokens", "temperature", "top_p", "stop"})
_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
_USAGE_OPTION: Mapping[str, object] = {"stream_options": {"include_usage": True}}


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """``models`` are suggestions: any model name may be used.

    ``litellm_provider`` selects the request format and the prices of litellm. ``chat_path`` and ``models_path`` follow
    the base URL. The key is sent as ``key_header: key_prefix key``. ``parameters`` names the fields of
    GenerationOptions that the API has; ``explicit_only`` those that are sent only when a request, bot or provider sets
    them, because some servers of this kind reject them. ``extra_names`` maps a parameter to its names in the request
    where OpenAI's API has none. With ``one_of`` a default is left out when another parameter of the group is sent.
    ``json`` is the strictest ``response_format``. ``prefill`` None means that the model is asked to continue in words.
    A flag of litellm's model table, such as vision, replaces ``images`` and ``prefill`` for known models.
    """

    title: str
    base_url: str = ""
    litellm_provider: str = "openai_like"
    dialect: Dialect = Dialect.OPENAI
    models: tuple[SuggestedModel, ...] = ()
    requires_key: bool = True
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    chat_path: str = "/chat/completions"
    models_path: str = "/models"
    parameters: frozenset[str] = _COMMON
    explicit_only: frozenset[str] = frozenset()
    extra_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_of: frozenset[str] = frozenset()
    max_temperature: float = 2.0
    json: Literal["schema", "object", "none"] = "schema"
    tools: bool = True
    sequential_tools: bool = True
    images: bool = True
    prefill: Prefill | None = None
    body: Mapping[str, object] = field(default_factory=lambda: _USAGE_OPTION)

    @property
    def requires_base_url(self) -> bool:
        return not self.base_url


PROVIDER_KINDS: Mapping[str, ProviderKind] = {
    "gemini": ProviderKind(
        "Google Gemini",
        "https://generativelanguage.googleapis.com",
        litellm_provider="gemini",
        dialect=Dialect.GEMINI,
        models=(
            SuggestedModel("gemini-3.5-flash", free=True),
            SuggestedModel("gemini-3.5-flash-lite", free=True),
            SuggestedModel("gemini-2.5-flash", free=True),
            SuggestedModel("gemini-2.5-pro"),
        ),
        key_header="x-goog-api-key",
        key_prefix="",
        chat_path="/v1beta/models/{model}:streamGenerateContent?alt=sse",
        models_path="/v1beta/models?pageSize=1000",
        parameters=_COMMON | _PENALTIES | {"seed"},
        sequential_tools=False,
        body={},
    ),
    "kimi": ProviderKind(
        "Kimi (Moonshot AI)",
        "https://api.moonshot.ai/v1",
        litellm_provider="moonshot",
        models=(
            SuggestedModel("kimi-k3"),
            SuggestedModel("kimi-k2.6"),
            SuggestedModel("kimi-latest"),
            SuggestedModel("moonshot-v1-8k"),
            SuggestedModel("moonshot-v1-32k"),
            SuggestedModel("moonshot-v1-128k"),
        ),
        parameters=_COMMON | _PENALTIES,
        max_temperature=1.0,
        json="object",
        sequential_tools=False,
        images=False,
        prefill=Prefill(message={"partial": True}),
    ),
    "openai": ProviderKind(
        "OpenAI",
        "https://api.openai.com/v1",
        litellm_provider="openai",
        models=(
            SuggestedModel("gpt-5.4-mini"),
            SuggestedModel("gpt-5.4"),
            SuggestedModel("gpt-4o-mini"),
            SuggestedModel("gpt-4o"),
        ),
        parameters=_COMMON | _PENALTIES | {"seed"},
    ),
    "claude": ProviderKind(
        "Anthropic Claude",
        "https://api.anthropic.com/v1",
        litellm_provider="anthropic",
        dialect=Dialect.ANTHROPIC,
        models=(
            SuggestedModel("claude-sonnet-latest"),
            SuggestedModel("claude-haiku-4-5"),
            SuggestedModel("claude-opus-4-5-20251101"),
        ),
        key_header="x-api-key",
        key_prefix="",
        chat_path="/messages",
        models_path="/models?limit=1000",
        one_of=frozenset({"temperature", "top_p"}),
        max_temperature=1.0,
        prefill=Prefill(),
        body={},
    ),
    "deepseek": ProviderKind(
        "DeepSeek",
        "https://api.deepseek.com/v1",
        litellm_provider="deepseek",
        models=(SuggestedModel("deepseek-flash-latest"), SuggestedModel("deepseek-pro-latest")),
        parameters=_COMMON | _PENALTIES,
        json="object",
        sequential_tools=False,
        images=False,
        prefill=Prefill(path="/beta", message={"prefix": True}),
    ),
    "openrouter": ProviderKind(
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        litellm_provider="openrouter",
        models=(
            SuggestedModel("nvidia/nemotron-3-nano-30b-a3b:free", free=True),
            SuggestedModel("nvidia/nemotron-nano-12b-v2-vl:free", free=True),
            SuggestedModel("arcee-ai/trinity-large-preview:free", free=True),
            SuggestedModel("arcee-ai/trinity-mini:free", free=True),
            SuggestedModel("upstage/solar-pro-3:free", free=True),
            SuggestedModel("liquid/lfm-2.5-1.2b-instruct:free", free=True),
            SuggestedModel("allenai/molmo-2-8b:free", free=True),
            SuggestedModel("tngtech/tng-r1t-chimera:free", free=True),
            SuggestedModel("google/gemini-2.5-flash"),
            SuggestedModel("openai/gpt-4o-mini"),
            SuggestedModel("deepseek/deepseek-chat-v3-0324"),
        ),
        parameters=_COMMON | _PENALTIES | {"seed", "repetition_penalty"},
        extra_names={"repetition_penalty": ("repetition_penalty",)},
        body={"usage": {"include": True}},
    ),
    "vllm": ProviderKind(
        "vLLM server",
        litellm_provider="hosted_vllm",
        requires_key=False,
        parameters=_COMMON | _PENALTIES | {"seed", "repetition_penalty"},
        extra_names={"repetition_penalty": ("repetition_penalty",)},
        prefill=Prefill(body={"continue_final_message": True, "add_generation_prompt": False}),
    ),
    "custom": ProviderKind(
        "OpenAI-compatible server",
        requires_key=False,
        parameters=_COMMON | _PENALTIES | {"seed", "repetition_penalty"},
        explicit_only=frozenset({"repetition_penalty"}),
        extra_names={"repetition_penalty": ("repetition_penalty", "repeat_penalty")},
        prefill=Prefill(),
    ),
}
"""Kinds by the name that ``ProviderSpec.provider_type`` stores."""
