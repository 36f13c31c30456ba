"""HTTP clients for model downloads from the internet, the configured hub and allowed mirrors.

HF_ENDPOINT selects another hub or mirror. HF_TOKEN is sent to that host only. HF_ENDPOINT may be in a private network;
other hosts in private networks require ``outbound.allowed_hosts`` or SECRETARY_MODEL_HOSTS.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import httpx
from pydantic import SecretStr

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.outbound import AllowedHost
from deployments.contracts.settings import OutboundSettings
from deployments.models.hub_client import HubClient
from deployments.outbound.blocking import BlockingClient
from deployments.outbound.client import CheckedClient, OriginKey
from deployments.outbound.network_backend import Resolver
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.redirects import RedirectPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.target import parse_target

HOSTS_SETTING = "SECRETARY_MODEL_HOSTS"
DEFAULT_HUB = "https://huggingface.co"
HUB_HOSTS = frozenset(
    (
        "huggingface.co",
        "cdn-lfs.hf.co",
        "cdn-lfs-us-1.hf.co",
        "cdn-lfs-eu-1.hf.co",
        "cas-bridge.xethub.hf.co",
        "transfer.xethub.hf.co",
        "transfer.xethub-eu.hf.co",
        "aws.cdn.hf.co",
        "us.aws.cdn.hf.co",
        "us-east-1.aws.cdn.hf.co",
        "us-west-2.aws.cdn.hf.co",
        "eu-west-3.aws.cdn.hf.co",
        "ap-southeast-1.aws.cdn.hf.co",
        "us.gcp.cdn.hf.co",
        "us-east1.us.gcp.cdn.hf.co",
        "us-central1.us.gcp.cdn.hf.co",
        "us-west4.us.gcp.cdn.hf.co",
        "europe-west4.us.gcp.cdn.hf.co",
        "asia-southeast1.us.gcp.cdn.hf.co",
    )
)
"""The hub and its file hosts: ``lfsDomains`` and ``cdnDomains`` of huggingface.co/.well-known/meta.json, and the Xet
bridge, which older repositories redirect to."""
_API_LIMITS = OutboundLimits(connect_timeout_s=5, read_timeout_s=15, total_timeout_s=30, max_bytes=10_000_000)
_DOWNLOAD_LIMITS = OutboundLimits(connect_timeout_s=10, read_timeout_s=30, total_timeout_s=24 * 3600)


@dataclass(frozen=True, slots=True)
class ModelWebAccess:
    """Creates HTTP clients for the hub and for downloads.

    ``policy`` is called for every request. ``allowances`` are hosts that are allowed as redirect targets. ``resolver``
    None is the resolver of the system.
    """

    policy: Callable[[], OutboundPolicy]
    endpoint: str = DEFAULT_HUB
    token: SecretStr = field(default=SecretStr(""))
    allowances: tuple[AllowedHost, ...] = ()
    resolver: Resolver | None = None

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        hosts: tuple[AllowedHost, ...] = (),
        settings: Callable[[], OutboundSettings] | None = None,
        resolver: Resolver | None = None,
    ) -> Self:
        """``environment`` has HF_ENDPOINT and HF_TOKEN. ``hosts`` are those of SECRETARY_MODEL_HOSTS.

        ``settings`` returns the outbound settings; None, as on the command line, allows no further hosts.
        """
        endpoint = (environment.get("HF_ENDPOINT") or DEFAULT_HUB).rstrip("/")
        allowed = (*hosts, *_configured_hub(endpoint))

        def policy() -> OutboundPolicy:
            base = OutboundPolicy.from_settings(settings()) if settings else OutboundPolicy(setting=HOSTS_SETTING)
            return base.with_allowed(allowed)

        return cls(policy, endpoint, SecretStr(environment.get("HF_TOKEN", "")), hosts, resolver)

    @contextmanager
    def open_hub(self) -> Iterator[HubClient]:
        """A client of the hub API."""
        with self._client(_API_LIMITS) as client:
            yield HubClient(client, self.endpoint, self.key)

    @contextmanager
    def open_client(self, max_bytes: int) -> Iterator[BlockingClient]:
        """A client for files of up to ``max_bytes`` each."""
        with self._client(_DOWNLOAD_LIMITS.with_max_bytes(max_bytes)) as client:
            yield client

    @property
    def key(self) -> OriginKey | None:
        """The token of the hub, restricted to its origin."""
        return OriginKey(self.endpoint, self.token) if self.token.get_secret_value() else None

    def _client(self, limits: OutboundLimits) -> BlockingClient:
        redirects = RedirectPolicy(HUB_HOSTS, self.allowances, HOSTS_SETTING)
        tls = httpx.create_ssl_context()
        return BlockingClient(CheckedClient(self.policy, limits, self.resolver, tls, redirects))


def _configured_hub(endpoint: str) -> tuple[AllowedHost, ...]:
    """The host of HF_ENDPOINT. Empty for the default hub and for an invalid URL, which fails at the request."""
    try:
        target = parse_target(endpoint)
    except InvalidRequest:
        return ()
    return () if target.origin == DEFAULT_HUB else (AllowedHost.parse(target.host_and_port),)
