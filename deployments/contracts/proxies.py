"""The proxies of a provider or a bot: what is stored, and the state that a door reports. Nothing here has a secret."""

from typing import Literal

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel

ProxyPolicy = Literal["never_direct", "direct_allowed"]
"""What happens when no proxy works: the request fails, or it is sent directly and shows the address of this machine."""


class ProxyLinkStatus(FrozenModel):
    """A link in its place of the order. ``latency_ms`` and ``http_status`` are those of the last probe."""

    name: str
    kind: str = Field(description="Such as vless tcp reality")
    host: str = Field(description="Mostly masked")
    current: bool
    working: bool
    failures: int = Field(description="In a row")
    error: str = ""
    latency_ms: float | None = None
    http_status: int | None = None
    checked_at: float | None = Field(default=None, description="Unix time")


class ProxyPoolStatus(FrozenModel):
    """The links of one provider or bot in one process."""

    owner: str = Field(description="cloud:<provider> or bot:<bot>")
    policy: ProxyPolicy
    core: str = Field(default="", description="Program and version that runs; empty while none is needed")
    core_error: str = ""
    links: tuple[ProxyLinkStatus, ...] = ()
    switched_at: float | None = Field(default=None, description="Unix time of the last switch")
    switched_from: int | None = Field(default=None, description="Index of the link before")
    switch_reason: str = ""
    direct_requests: int = Field(default=0, description="Requests that were sent without a proxy")
