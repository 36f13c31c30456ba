"""Where models may be asked for: the internet, the hub that the environment names, and mirrors of the operator's own.

HF_ENDPOINT names another hub or mirror, HF_TOKEN is sent to that host only. Whoever sets the environment may name a
server on an inner network; everybody else needs ``outbound.allowed_hosts``.
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
"""The hub and where it keeps weights: ``lfsDomains`` and ``cdnDomains`` of huggingface.co/.well-known/meta.json, and
the bridge of Xet that older repositories still lead to."""
_ANSWERS = OutboundLimits(connect_timeout_s=5, read_timeout_s=15, total_timeout_s=30, max_bytes=10_000_000)
_FILES = OutboundLimits(connect_timeout_s=10, read_timeout_s=30, total_timeout_s=24 * 3600)


@dataclass(frozen=True, slots=True)
class ModelWebAccess:
    """``policy`` is asked anew for every request. ``opened`` are the operator's own places, for requests and as ends
    of redirects alike. ``resolver`` None means that of the machine."""

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
        """``environment`` is read for HF_ENDPOINT and HF_TOKEN, ``hosts`` is what SECRETARY_MODEL_HOSTS opens;
        ``settings`` None means that nobody but the environment opens anything, as on the console."""
        endpoint = (environment.get("HF_ENDPOINT") or DEFAULT_HUB).rstrip("/")
        opened = (*hosts, *_hub_of_the_operator(endpoint))

        def policy() -> OutboundPolicy:
            base = OutboundPolicy.from_settings(settings()) if settings else OutboundPolicy(setting=HOSTS_SETTING)
            return base.with_allowed(opened)

        return cls(policy, endpoint, SecretStr(environment.get("HF_TOKEN", "")), hosts, resolver)

    @contextmanager
    def open_hub(self) -> Iterator[HubClient]:
        """For questions to the hub, whose answers are short."""
        with self._client(_ANSWERS) as client:
            yield HubClient(client, self.endpoint, self.key)

    @contextmanager
    def open_client(self, max_bytes: int) -> Iterator[BlockingClient]:
        """For files of up to ``max_bytes`` each."""
        with self._client(_FILES.with_max_bytes(max_bytes)) as client:
            yield client

    @property
    def key(self) -> OriginKey | None:
        """The token of the hub, bound to it."""
        return OriginKey(self.endpoint, self.token) if self.token.get_secret_value() else None

    def _client(self, limits: OutboundLimits) -> BlockingClient:
        redirects = RedirectPolicy(HUB_HOSTS, self.allowances, HOSTS_SETTING)
        tls = httpx.create_ssl_context()
        return BlockingClient(CheckedClient(self.policy, limits, self.resolver, tls, redirects))


def _hub_of_the_operator(endpoint: str) -> tuple[AllowedHost, ...]:
    """Nothing for what is no address: the request itself says what is wrong with it."""
    try:
        target = parse_target(endpoint)
    except InvalidRequest:
        return ()
    return () if target.origin == DEFAULT_HUB else (AllowedHost.parse(target.host_and_port),)
