"""The types of cloud providers: their default address and suggested models."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProviderType:
    """``models`` are suggestions: any model name may be used."""

    name: str
    default_base_url: str = ""
    models: tuple[str, ...] = ()

    @property
    def requires_base_url(self) -> bool:
        return not self.default_base_url


PROVIDER_TYPES = {
    "gemini": ProviderType(
        "Google Gemini",
        "https://generativelanguage.googleapis.com",
        ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro"),
    ),
    "kimi": ProviderType(
        "Kimi (Moonshot AI)",
        "https://api.moonshot.ai/v1",
        ("kimi-k2", "moonshot-v1-8k", "moonshot-v1-32k", "moonshot-v1-128k"),
    ),
    "openai": ProviderType("OpenAI", "https://api.openai.com/v1", ("gpt-4o", "gpt-4o-mini", "gpt-4-turbo")),
    "claude": ProviderType(
        "Anthropic Claude",
        "https://api.anthropic.com/v1",
        ("claude-opus-4-5-20251101", "claude-sonnet-4-20250514"),
    ),
    "deepseek": ProviderType("DeepSeek", "https://api.deepseek.com/v1", ("deepseek-chat", "deepseek-coder")),
    "openrouter": ProviderType(
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        (
            "nvidia/nemotron-3-nano-30b-a3b:free",
            "nvidia/nemotron-nano-12b-v2-vl:free",
            "arcee-ai/trinity-large-preview:free",
            "arcee-ai/trinity-mini:free",
            "upstage/solar-pro-3:free",
            "liquid/lfm-2.5-1.2b-instruct:free",
            "allenai/molmo-2-8b:free",
            "tngtech/tng-r1t-chimera:free",
            "google/gemini-2.0-flash-001",
            "openai/gpt-4o-mini",
            "deepseek/deepseek-chat-v3-0324",
        ),
    ),
    "custom": ProviderType("OpenAI-compatible server"),
}
