"""Cloud language models, and chains of routes that fall back to each other."""

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel, Language, Slug
from deployments.contracts.sampling import Sampling


class ProviderSpec(FrozenModel):
    """A cloud language model. ``sealed_api_key`` is sent to ``key_origin`` only. ``sealed_proxies`` holds proxy links,
    one per line. Both are opened in the process that calls the provider. ``languages`` are those that the model
    speaks; empty means any."""

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
    description: str = ""
    version: int = 1


class RouteChain(FrozenModel):
    """A name for several routes, tried in order: local, cloud:<id> or chain:<name>."""

    name: Slug
    routes: tuple[str, ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = ""
    version: int = 1
