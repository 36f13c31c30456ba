"""HTTP bodies of proxies. Links are accepted in bodies only and never returned."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from deployments.administration.office.drafts import StorableModel
from deployments.administration.proxies.drafts import LinkTexts
from deployments.administration.proxies.links import CheckedLine
from deployments.administration.proxies.proxy_test import ProxyCoreState
from deployments.administration.proxies.service import OwnedProxies
from deployments.contracts.proxies import ProxyPolicy, ProxyPoolStatus

_MAX_TEXT = 200_000
OwnerName = Annotated[str, Field(max_length=120, description="cloud:<provider> or bot:<bot>")]


class StoredLinkReply(BaseModel):
    """A link in its place of the order."""

    index: int
    name: str
    kind: str
    host: str = Field(description="Mostly masked")


class OwnedProxiesReply(BaseModel):
    """``doors`` are the states in each process that used the proxies since its start."""

    owner: str
    version: int
    policy: ProxyPolicy
    first: int = Field(description="Index of the link to begin with")
    links: list[StoredLinkReply]
    doors: dict[str, ProxyPoolStatus]

    @classmethod
    def of(cls, owned: OwnedProxies) -> "OwnedProxiesReply":
        return cls(
            owner=owned.owner,
            version=owned.spec.version,
            policy=owned.spec.proxy_policy,
            first=owned.spec.proxy_preferred,
            links=[
                StoredLinkReply(index=index, name=link.name, kind=link.kind, host=host)
                for index, (link, host) in enumerate(zip(owned.links, owned.hosts, strict=True))
            ],
            doors=dict(owned.doors),
        )


class ProxyStatusReply(BaseModel):
    core: ProxyCoreState
    proxies: list[OwnedProxiesReply]


class ValidateBody(StorableModel):
    """Links, one per line, or a subscription in base64."""

    text: Annotated[SecretStr, Field(max_length=_MAX_TEXT)]


class ValidateReply(BaseModel):
    """``valid``: there are links and no line is wrong."""

    valid: bool
    count: int
    lines: list[CheckedLine]


class ProxyTestTarget(StorableModel):
    """What is asked through the proxies: the service of ``owner``, else the address of a provider type or
    ``base_url``."""

    owner: OwnerName | None = None
    provider_type: str = Field(default="gemini", max_length=30)
    base_url: str = Field(default="", max_length=500)


class OneProxyTestBody(ProxyTestTarget):
    vless_url: Annotated[SecretStr, Field(max_length=8_000)]


class ManyProxiesTestBody(ProxyTestTarget):
    """Without ``vless_urls`` the stored links of ``owner`` are tried."""

    vless_urls: LinkTexts | None = None


class ProxyTestReply(BaseModel):
    """``details`` of the reference is the whole result."""

    success: bool
    message: str
    status_code: int | None
    latency_ms: float | None
    target: str


class OwnerBody(StorableModel):
    """``owner`` may be left out while only one provider or bot has proxies."""

    owner: OwnerName | None = None


class ReorderBody(OwnerBody):
    order: tuple[int, ...] = Field(max_length=50, description="The present indexes in their new order")
    version: int | None = Field(default=None, description="Of the provider or bot, to notice other changes")


class AddLinksBody(OwnerBody):
    """Links, one per line, or a subscription in base64."""

    vless_urls: Annotated[SecretStr, Field(max_length=_MAX_TEXT)]
    version: int | None = Field(default=None, description="Of the provider or bot, to notice other changes")


class RemoveLinkBody(OwnerBody):
    index: int = Field(ge=0, description="From 0")
    version: int | None = Field(default=None, description="Of the provider or bot, to notice other changes")


class LinkRemovedReply(BaseModel):
    status: Literal["ok"] = "ok"


class ProxyChangedReply(BaseModel):
    status: Literal["ok"] = "ok"
    proxy: OwnedProxiesReply
