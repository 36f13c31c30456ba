"""The result of trying a proxy, who tries, and the state of the program that speaks VLESS."""

from collections.abc import AsyncGenerator, Callable, Sequence

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel
from proxies.links import ProxyLink


class ProxyTestResult(FrozenModel):
    """``success``: the target answered through the proxy, with ``status_code``. ``latency_ms`` counts from the first
    byte to the answer, with the connection. The link itself is not repeated."""

    proxy_index: int
    proxy_remark: str = Field(description="The name of the link")
    kind: str
    host: str = Field(description="Mostly masked")
    success: bool
    status_code: int | None = None
    latency_ms: float | None = None
    target: str
    error: str = ""


class ProxyCoreState(FrozenModel):
    """The program that speaks VLESS. ``remedy`` is the command that installs it."""

    installed: bool
    program: str = ""
    path: str = ""
    version: str = ""
    error: str = ""
    remedy: str = ""


ProxyTest = Callable[[Sequence[ProxyLink], str], AsyncGenerator[ProxyTestResult]]
"""Tries links against a URL, all at once, and yields each result as it comes."""
