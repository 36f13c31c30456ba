"""Language models behind somebody else's API, and the chains in which they stand in for each other."""

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel, Slug
from deployments.contracts.sampling import Sampling


class ProviderSpec(FrozenModel):
    """A language model behind somebody else's API. ``sealed_api_key`` is for ``key_origin`` and sent nowhere else;
    ``sealed_proxies`` are links of the ways to it, one per line. Both are opened only where the call is made."""

    id: Slug
    name: str
    provider_type: str
    base_url: str = ""
    model_name: str
    enabled: bool = True
    is_default: bool = False
    params: Sampling = Sampling()
    sealed_api_key: str = Field(default="", repr=False)
    key_hint: str = Field(default="", repr=False, description="Last characters of the key")
    key_origin: str = ""
    sealed_proxies: str = Field(default="", repr=False)
    description: str = ""
    version: int = 1


class RouteChain(FrozenModel):
    """A name under which several routes answer, the first that works: local, cloud:<id> or chain:<name>."""

    name: Slug
    routes: tuple[str, ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = ""
    version: int = 1
