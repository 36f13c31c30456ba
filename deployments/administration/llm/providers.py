"""Administration of cloud LLM providers. API keys and proxy links are sealed before they are stored."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from deployments.administration.audit.value_changes import value_changes
from deployments.administration.llm.route_users import find_route_users, read_configuration, require_unused
from deployments.administration.office.drafts import NamedDraft, require_version
from deployments.administration.office.host_addresses import parse_server_url, url_origin
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.spec_administration import NamedSpecAdministration
from deployments.administration.proxies.drafts import LinkTexts, open_links, proxy_fields
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict
from deployments.contracts.frozen_model import Language
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling
from proxies.links import masked_host
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.specs import SpecRepository
from storage.secrets import Sealer
from storage.unit_of_work import UnitOfWork

_SECRET_FIELDS = {"api_key", "vless_urls"}


class ProviderDraft(NamedDraft):
    """The editable fields of a provider. None keeps the stored ``api_key`` or ``vless_urls``, an empty value clears
    it."""

    provider_type: str = Field(max_length=30)
    model_name: str = Field(min_length=1, max_length=200)
    languages: tuple[Language, ...] = Field(default=(), max_length=100, description="Empty means any language")
    base_url: str = Field(default="", max_length=500)
    enabled: bool = True
    params: Sampling = Sampling()
    input_price: float | None = Field(default=None, ge=0, le=1_000_000, description="US dollars per million tokens")
    output_price: float | None = Field(default=None, ge=0, le=1_000_000, description="US dollars per million tokens")
    budget_per_day: float = Field(default=0, ge=0, le=10**9, description="US dollars per UTC day; 0 means no limit")
    description: str = Field(default="", max_length=2_000)
    api_key: Annotated[SecretStr, Field(max_length=1_000)] | None = None
    vless_urls: LinkTexts | None = None
    proxy_policy: ProxyPolicy = Field(
        default="never_direct", description="direct_allowed sends requests without a proxy when none works"
    )

    @field_validator("provider_type")
    @classmethod
    def _check_type(cls, name: str) -> str:
        if name not in PROVIDER_KINDS:
            raise ValueError(f"use one of {', '.join(PROVIDER_KINDS)}")
        return name

    @field_validator("base_url")
    @classmethod
    def _check_server_url(cls, url: str) -> str:
        return parse_server_url(url) if url.strip() else ""

    @model_validator(mode="after")
    def _check_base_url(self) -> Self:
        if not self.base_url and PROVIDER_KINDS[self.provider_type].requires_base_url:
            raise ValueError("this type of provider needs base_url, for example http://127.0.0.1:8000/v1")
        return self

    @model_validator(mode="after")
    def _check_prices(self) -> Self:
        if (self.input_price is None) != (self.output_price is None):
            raise ValueError("input_price and output_price are set together")
        return self


class ProviderAdministration(NamedSpecAdministration[ProviderSpec, ProviderDraft]):
    """A draft raises Conflict when the name is taken, OutboundRefused for a private server that is not in
    ``outbound.allowed_hosts``. A provider is needed while the settings, a persona, bot, widget or chain name it."""

    field = SnapshotField.PROVIDERS
    noun = resource = "provider"
    draft_model = ProviderDraft

    def __init__(self, database: Database, writer: SnapshotWriter, sealer: Sealer) -> None:
        super().__init__(database, writer)
        self._sealer = sealer

    async def change(
        self, key: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> ProviderSpec:
        """Changes the given fields. An empty ``api_key`` keeps the stored one and None clears it; None clears
        ``vless_urls``. The key is also cleared when the provider moves to another server without a new key. Raises
        NotFound, Conflict, InvalidRequest."""
        return await super().change(key, _secret_changes(changes), by, expected_version)

    async def make_default(self, provider_id: str, by: str, expected_version: int | None = None) -> ProviderSpec:
        """Makes the provider the only default one. Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[ProviderSpec, AuditEvent]:
            chosen = await self._existing(work, provider_id)
            require_version(chosen.version, expected_version, "provider")
            before = next((each.id for each in await work.providers.all() if each.is_default), "")
            for each in await work.providers.all():
                if each.is_default != (each.id == provider_id):
                    update = {"is_default": each.id == provider_id, "version": each.version + 1}
                    await work.providers.save(each.model_copy(update=update))
            detail = value_changes({"default": before}, {"default": provider_id})
            event = AuditEvent(by, "set_default", "provider", provider_id, detail=detail)
            return await self._existing(work, provider_id), event

        return await self._writer.change(SnapshotField.PROVIDERS, edit)

    def proxy_hosts(self, spec: ProviderSpec) -> tuple[str, ...]:
        """Hosts of the proxies of the provider, mostly masked; empty when the links cannot be opened."""
        return tuple(masked_host(link) for link in open_links(self._sealer, spec.sealed_proxies))

    def _repository(self, work: UnitOfWork) -> SpecRepository[ProviderSpec]:
        return work.providers

    async def _build(
        self, work: UnitOfWork, key: str, draft: ProviderDraft, before: ProviderSpec | None
    ) -> ProviderSpec:
        if any(each.name == draft.name and each.id != key for each in await work.providers.all()):
            raise Conflict(f"there is a provider called {draft.name!r} already", param="name")
        if draft.base_url:
            await require_outbound_allowed(work, draft.base_url)
        proxies = await proxy_fields(work, self._sealer, before, draft.vless_urls)
        before = before or ProviderSpec(id=key, name="", provider_type="", model_name="", version=0)
        fields = {name: getattr(draft, name) for name in ProviderDraft.model_fields if name not in _SECRET_FIELDS}
        secrets = {**self._key_fields(before, draft), **proxies}
        return before.model_copy(update={**fields, **secrets, "version": before.version + 1})

    async def _check_unused(self, work: UnitOfWork, spec: ProviderSpec) -> None:
        require_unused(find_route_users(f"cloud:{spec.id}", await read_configuration(work)), "provider")

    def _key_fields(self, before: ProviderSpec, draft: ProviderDraft) -> dict[str, str]:
        origin = url_origin(draft.base_url or PROVIDER_KINDS[draft.provider_type].base_url)
        if draft.api_key is None and before.sealed_api_key and before.key_origin == origin:
            return {}
        key = draft.api_key.get_secret_value().strip() if draft.api_key is not None else ""
        if not key:
            return {"sealed_api_key": "", "key_hint": "", "key_origin": ""}
        hint = f"****{key[-4:]}" if len(key) >= 12 else "****"
        return {"sealed_api_key": self._sealer.seal(key), "key_hint": hint, "key_origin": origin}


def _secret_changes(changes: Mapping[str, object]) -> dict[str, object]:
    """``changes`` as the draft spells them: a missing ``api_key`` keeps the stored one, "" clears it."""
    result = dict(changes)
    key = result.get("api_key")
    if isinstance(key, str) and not key.strip():
        del result["api_key"]
    elif "api_key" in result and key is None:
        result["api_key"] = ""
    if "vless_urls" in result and result["vless_urls"] is None:
        result["vless_urls"] = ()
    return result
