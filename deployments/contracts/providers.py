"""Cloud language models, and chains of routes that fall back to each other."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel, Language, Slug
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling

_Price = Annotated[float, Field(ge=0, le=1_000_000)]


class ProviderSpec(FrozenModel):
    """A cloud language model. ``sealed_api_key`` is sent to ``key_origin`` only. ``sealed_proxies`` holds proxy links,
    one per line. Both are opened in the process that calls the provider. ``languages`` are those that the model
    speaks; empty means any. ``input_price`` and ``output_price`` are US dollars per million tokens and replace the
    price table of litellm. ``budget_per_day`` is in US dollars per UTC day; 0 means no limit."""

    id: Slug
    name: str
    provider_type: str
    base_url: str = ""
    model_name: str
    languages: tuple[Language, ...] = ()
    enabled: bool = True
    is_default: bool = False
    params: Sampling = Sampling()
    sealed_api_key: str = Field(default="", repr=False)
    key_hint: str = Field(default="", repr=False, description="Last characters of the key")
    key_origin: str = ""
    sealed_proxies: str = Field(default="", repr=False)
    proxy_policy: ProxyPolicy = "never_direct"
    proxy_preferred: int = Field(default=0, ge=0, description="Index of the link to begin with")
    proxy_generation: int = Field(default=0, ge=0, description="Raised by a manual switch and a reset")
    input_price: _Price | None = None
    output_price: _Price | None = None
    budget_per_day: float = Field(default=0, ge=0)
    description: str = ""
    version: int = 1


class ChainPolicy(FrozenModel):
    """How a chain passes from one route to the next."""

    continue_cut_answers: bool = Field(
        default=True, description="The next model continues an answer that breaks off; otherwise the answer fails"
    )
    step_timeout_s: Annotated[float, Field(ge=0.1, le=600)] | None = Field(
        default=None, description="Longest wait for the first token of each route, besides its own"
    )
    hedge_after_ms: Annotated[int, Field(ge=50, le=60_000)] | None = Field(
        default=None, description="Asks the next route too when the first is silent for so long"
    )


DEFAULT_CHAIN_POLICY = ChainPolicy()


class RouteChain(ChainPolicy):
    """A name for several routes, tried in order: local, cloud:<id> or chain:<name>."""

    name: Slug
    routes: tuple[str, ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = ""
    version: int = 1


GEMINI = "gemini"


def default_gemini(providers: Iterable[ProviderSpec]) -> ProviderSpec | None:
    """The provider that the route ``gemini`` stands for: the default one of this type, else the first enabled one."""
    of_type = [each for each in providers if each.provider_type == GEMINI]
    return min(of_type, key=lambda each: (not each.is_default, not each.enabled, each.id), default=None)


def resolve_alias(route: str, providers: Iterable[ProviderSpec]) -> str:
    """``cloud:gemini`` as the route of the default Gemini provider, unless a provider has the id ``gemini``. Other
    routes are returned unchanged."""
    known = tuple(providers)
    if route != f"cloud:{GEMINI}" or any(each.id == GEMINI for each in known):
        return route
    found = default_gemini(known)
    return f"cloud:{found.id}" if found else route
