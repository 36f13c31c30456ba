"""Cloud providers, as people declare them. Keys and proxy links are sealed before they are stored."""

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from deployments.administration.llm.provider_types import PROVIDER_TYPES
from deployments.administration.office.drafts import (
    Draft,
    apply_changes,
    changed_fields,
    require_capacity,
    require_version,
)
from deployments.administration.office.host_addresses import parse_server_url, url_origin
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.office.slugs import free_slug
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.sampling import Sampling
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import SealBroken, Sealer
from storage.unit_of_work import UnitOfWork

_SECRETS = {"api_key", "vless_urls"}
_Link = Annotated[SecretStr, Field(max_length=2_000)]


class ProviderDraft(Draft):
    """What a person declares. ``api_key`` and ``vless_urls`` None keep what is stored."""

    name: str = Field(min_length=1, max_length=100)
    provider_type: str = Field(max_length=30)
    model_name: str = Field(min_length=1, max_length=200)
    base_url: str = Field(default="", max_length=500)
    enabled: bool = True
    params: Sampling = Sampling()
    description: str = Field(default="", max_length=2_000)
    api_key: Annotated[SecretStr, Field(max_length=1_000)] | None = None
    vless_urls: Annotated[tuple[_Link, ...], Field(max_length=50)] | None = None

    @field_validator("provider_type")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in PROVIDER_TYPES:
            raise ValueError(f"use one of {', '.join(PROVIDER_TYPES)}")
        return name

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        return parse_server_url(url) if url.strip() else ""

    @field_validator("vless_urls")
    @classmethod
    def _are_links(cls, links: tuple[SecretStr, ...] | None) -> tuple[SecretStr, ...] | None:
        for link in links or ():
            _require_link(link.get_secret_value())
        return links

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if not self.base_url and PROVIDER_TYPES[self.provider_type].requires_base_url:
            raise ValueError("this type of provider needs base_url, for example http://127.0.0.1:8000/v1")
        return self


class ProviderAdministration:
    """Declares providers; every change is published with its secrets sealed."""

    def __init__(self, database: Database, writer: SnapshotWriter, sealer: Sealer) -> None:
        self._database = database
        self._desk = writer
        self._sealer = sealer

    async def list(self) -> tuple[ProviderSpec, ...]:
        """Every provider by id."""
        async with self._database.unit_of_work() as work:
            return await work.providers.all()

    async def get(self, provider_id: str) -> ProviderSpec:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, provider_id)

    async def create(self, draft: ProviderDraft, by: str) -> ProviderSpec:
        """Raises Conflict when the name is taken, Refused for a private server not in ``outbound.allowed_hosts``."""

        async def edit(work: UnitOfWork, _: int) -> tuple[ProviderSpec, AuditEvent]:
            known = await work.providers.all()
            require_capacity(known, "providers")
            _require_free(draft.name, known)
            if draft.base_url:
                await require_outbound_allowed(work, draft.base_url)
            provider_id = free_slug(draft.name, {each.id for each in known}, "provider")
            empty = ProviderSpec(id=provider_id, name="", provider_type="", model_name="", version=0)
            spec = self._declared(empty, draft)
            await work.providers.save(spec)
            return spec, AuditEvent(by, "create", "provider", provider_id, detail=draft.provider_type)

        return await self._desk.change(SnapshotField.PROVIDERS, edit)

    async def change(
        self, provider_id: str, changes: Mapping[str, object], expected_version: int | None, by: str
    ) -> ProviderSpec:
        """Changes the fields that are given, in the names of ``ProviderDraft``; ``expected_version`` None means
        whatever the version is. An empty ``api_key`` keeps the stored one, None clears it; so does None for
        ``vless_urls``. A key whose provider moves to another server is cleared unless a new one comes with
        the move. Raises NotFound, Conflict, InvalidRequest."""

        async def edit(work: UnitOfWork, _: int) -> tuple[ProviderSpec, AuditEvent]:
            before = await _existing(work, provider_id)
            require_version(before.version, expected_version, "provider")
            base = before.model_dump(include=set(ProviderDraft.model_fields))
            draft = apply_changes(ProviderDraft, base, changes)
            _require_free(draft.name, [each for each in await work.providers.all() if each.id != provider_id])
            if draft.base_url:
                await require_outbound_allowed(work, draft.base_url)
            cleared = {name for name in _SECRETS if name in changes and changes[name] is None}
            spec = self._declared(before, draft, cleared)
            await work.providers.save(spec)
            return spec, AuditEvent(by, "update", "provider", provider_id, detail=changed_fields(before, spec))

        return await self._desk.change(SnapshotField.PROVIDERS, edit)

    async def make_default(self, provider_id: str, by: str, expected_version: int | None = None) -> ProviderSpec:
        """Makes the provider the default one, and no other. Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[ProviderSpec, AuditEvent]:
            chosen = await _existing(work, provider_id)
            require_version(chosen.version, expected_version, "provider")
            for each in await work.providers.all():
                if each.is_default != (each.id == provider_id):
                    update = {"is_default": each.id == provider_id, "version": each.version + 1}
                    await work.providers.save(each.model_copy(update=update))
            return await _existing(work, provider_id), AuditEvent(by, "set_default", "provider", provider_id)

        return await self._desk.change(SnapshotField.PROVIDERS, edit)

    async def delete(self, provider_id: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound; Conflict while the default route or a chain needs the provider."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            provider = await _existing(work, provider_id)
            require_version(provider.version, expected_version, "provider")
            await _require_unneeded(work, f"cloud:{provider_id}")
            await work.providers.remove(provider_id)
            return None, AuditEvent(by, "delete", "provider", provider_id)

        await self._desk.change(SnapshotField.PROVIDERS, edit)

    def proxy_hosts(self, spec: ProviderSpec) -> tuple[str, ...]:
        """Where the ways to the provider lead, with most of each host hidden; empty when the seal is broken."""
        try:
            links = self._sealer.open(spec.sealed_proxies) if spec.sealed_proxies else ""
        except SealBroken:
            return ()
        return tuple(_masked(link) for link in links.splitlines())

    def _declared(
        self, before: ProviderSpec, draft: ProviderDraft, cleared: set[str] | frozenset[str] = frozenset()
    ) -> ProviderSpec:
        address = url_origin(draft.base_url or PROVIDER_TYPES[draft.provider_type].default_base_url)
        fields = {name: getattr(draft, name) for name in ProviderDraft.model_fields if name not in _SECRETS}
        key = self._key(before, draft, address, keep="api_key" not in cleared)
        proxies = "" if "vless_urls" in cleared else before.sealed_proxies
        if draft.vless_urls is not None:
            links = "\n".join(link.get_secret_value() for link in draft.vless_urls)
            proxies = self._sealer.seal(links) if links else ""
        return before.model_copy(update={**fields, **key, "sealed_proxies": proxies, "version": before.version + 1})

    def _key(self, before: ProviderSpec, draft: ProviderDraft, address: str, *, keep: bool) -> dict[str, str]:
        given = draft.api_key.get_secret_value().strip() if draft.api_key is not None else ""
        if given:
            hint = f"****{given[-4:]}" if len(given) >= 12 else "****"
            return {"sealed_api_key": self._sealer.seal(given), "key_hint": hint, "key_origin": address}
        if keep and before.sealed_api_key and before.key_origin == address:
            return {}
        return {"sealed_api_key": "", "key_hint": "", "key_origin": ""}


def _require_link(link: str) -> None:
    try:
        parts = urlsplit(link)
        sound = parts.scheme == "vless" and parts.username and parts.hostname and parts.port
    except ValueError:
        sound = False
    if not sound or any(character.isspace() for character in link):
        raise ValueError("a link begins with vless:// and names an id, a host and a port")


def _masked(link: str) -> str:
    parts = urlsplit(link)
    host = parts.hostname or ""
    return f"{host[:2]}***{host[-3:]}:{parts.port}" if len(host) > 8 else f"***:{parts.port}"


def _require_free(name: str, others: tuple[ProviderSpec, ...] | list[ProviderSpec]) -> None:
    if any(each.name == name for each in others):
        raise Conflict(f"there is a provider called {name!r} already", param="name")


async def _require_unneeded(work: UnitOfWork, route: str) -> None:
    if (await work.settings.get()).default_route == route:
        raise Conflict("this provider is the default route: choose another default first")
    users = [chain.name for chain in await work.chains.all() if route in chain.routes]
    if users:
        raise Conflict(f"this provider is part of {', '.join(users)}: take it out of there first")


async def _existing(work: UnitOfWork, provider_id: str) -> ProviderSpec:
    provider = await work.providers.get(provider_id)
    if provider is None:
        raise NotFound(f"there is no provider {provider_id!r}")
    return provider
