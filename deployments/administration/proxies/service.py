"""Proxies of providers and bots: their state in every door, the next link, the order, and links to be tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deployments.administration.audit.value_changes import model_changes
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.proxies.drafts import (
    open_links,
    read_links,
    reordered,
    require_proxies_allowed,
    seal_links,
)
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.instances import BotSpec
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.proxies import ProxyPoolStatus
from proxies.links import ProxyLink, masked_host, parse_link
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.specs import SpecRepository
from storage.secrets import Sealer
from storage.unit_of_work import UnitOfWork

_CLOUD, _BOT = "cloud:", "bot:"
Owner = ProviderSpec | BotSpec


@dataclass(frozen=True, slots=True)
class OwnedProxies:
    """A provider or bot with its links. ``doors`` are the states that doors reported, by door."""

    owner: str
    spec: Owner
    links: tuple[ProxyLink, ...]
    doors: tuple[tuple[str, ProxyPoolStatus], ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Mostly masked."""
        return tuple(masked_host(link) for link in self.links)

    @property
    def probe_url(self) -> str:
        """A cheap endpoint of the service behind the proxies."""
        if isinstance(self.spec, BotSpec):
            return self.spec.api_url.rstrip("/") + "/"
        return _models_url(self.spec.provider_type, self.spec.base_url)


class ProxyAdministration:
    """Owners are named ``cloud:<provider>`` and ``bot:<bot>``. Changes reach every door with the next snapshot."""

    def __init__(self, database: Database, writer: SnapshotWriter, sealer: Sealer, reports: ReportIngest) -> None:
        self._database = database
        self._writer = writer
        self._sealer = sealer
        self._reports = reports

    async def list(self) -> tuple[OwnedProxies, ...]:
        """Every provider and bot that has links."""
        async with self._database.unit_of_work() as work:
            specs: list[tuple[str, Owner]] = [(f"{_CLOUD}{each.id}", each) for each in await work.providers.all()]
            specs += [(f"{_BOT}{each.id}", each) for each in await work.bots.all()]
        return tuple(self._owned(owner, spec) for owner, spec in specs if spec.sealed_proxies)

    async def get(self, owner: str) -> OwnedProxies:
        """Raises NotFound, and InvalidRequest for an owner without links."""
        async with self._database.unit_of_work() as work:
            return self._owned(owner, await _read(work, owner))

    async def only_owner(self) -> str:
        """The owner when there is exactly one. Raises InvalidRequest, which names those that exist."""
        owners = [each.owner for each in await self.list()]
        if len(owners) != 1:
            raise InvalidRequest(f"name the owner: {', '.join(owners) or 'nothing has proxies'}", param="owner")
        return owners[0]

    async def target_of(self, provider_type: str, base_url: str) -> str:
        """The address to ask for a provider that is not stored. Raises InvalidRequest, OutboundRefused."""
        if provider_type not in PROVIDER_KINDS:
            raise InvalidRequest(f"use one of {', '.join(PROVIDER_KINDS)}", param="provider_type")
        if not base_url and PROVIDER_KINDS[provider_type].requires_base_url:
            raise InvalidRequest("this type of provider needs base_url", param="base_url")
        url = _models_url(provider_type, base_url)
        async with self._database.unit_of_work() as work:
            await require_outbound_allowed(work, url)
        return url

    async def admit_test(self, links: Sequence[ProxyLink], by: str) -> None:
        """Raises OutboundRefused for a proxy in a private network that is not allowed. Writes an audit event."""

        async with self._database.unit_of_work() as work:
            await require_proxies_allowed(work, tuple(links))
            await work.audit.add(AuditEvent(by, "test", "proxy", "", detail=f"{len(links)} links"))

    async def switch_next(self, owner: str, by: str) -> OwnedProxies:
        """Makes the link after the current one the first to be used. The current one is that of most doors."""

        def advance(owned: OwnedProxies) -> dict[str, object]:
            return {"proxy_preferred": (_current(owned) + 1) % len(owned.links)}

        return await self._change(owner, by, "switch", advance)

    async def reset(self, owner: str, by: str) -> OwnedProxies:
        """Forgets failures and what was remembered: the first link is used again."""
        return await self._change(owner, by, "reset", lambda _: {"proxy_preferred": 0})

    async def reorder(self, owner: str, order: Sequence[int], by: str, expected: int | None = None) -> OwnedProxies:
        """``order`` holds the present indexes. The first one is used next. ``expected`` is the version of the owner.
        Raises InvalidRequest, Conflict."""

        def move(owned: OwnedProxies) -> dict[str, object]:
            _require_version(owned, expected)
            texts = tuple(self._sealer.open(owned.spec.sealed_proxies).splitlines())
            sealed = seal_links(self._sealer, reordered(texts, tuple(order)))
            return {"sealed_proxies": sealed, "proxy_preferred": 0}

        return await self._change(owner, by, "reorder", move)

    async def add(self, owner: str, text: str, by: str, expected: int | None = None) -> OwnedProxies:
        """Puts the links of ``text`` behind the present ones. Raises InvalidRequest for a line that is no link, a link
        that is there already and too many links; Conflict, OutboundRefused."""
        added = tuple(line.strip() for line in read_links(text))
        async with self._database.unit_of_work() as work:
            await require_proxies_allowed(work, tuple(parse_link(each) for each in added))

        def append(owned: OwnedProxies) -> dict[str, object]:
            _require_version(owned, expected)
            texts = (*self._sealer.open(owned.spec.sealed_proxies).splitlines(), *added)
            return {"sealed_proxies": seal_links(self._sealer, read_links("\n".join(texts)))}

        return await self._change(owner, by, "add", append)

    async def remove(self, owner: str, index: int, by: str, expected: int | None = None) -> None:
        """Removes a link. After the last one the owner has no proxies and asks directly. Raises InvalidRequest,
        Conflict."""

        def drop(owned: OwnedProxies) -> dict[str, object]:
            _require_version(owned, expected)
            texts = self._sealer.open(owned.spec.sealed_proxies).splitlines()
            if not 0 <= index < len(texts):
                raise InvalidRequest(f"index is from 0 to {len(texts) - 1}", param="index")
            kept = tuple(text for position, text in enumerate(texts) if position != index)
            return {"sealed_proxies": seal_links(self._sealer, kept), "proxy_preferred": 0}

        await self._store(owner, by, "remove", drop)

    async def _change(
        self, owner: str, by: str, action: str, fields: Callable[[OwnedProxies], dict[str, object]]
    ) -> OwnedProxies:
        return self._owned(owner, await self._store(owner, by, action, fields))

    async def _store(
        self, owner: str, by: str, action: str, fields: Callable[[OwnedProxies], dict[str, object]]
    ) -> Owner:
        kind, _, key = owner.partition(":")
        resource = "bot" if kind == "bot" else "provider"

        async def edit(work: UnitOfWork, _: int) -> tuple[Owner, AuditEvent]:
            before = await _read(work, owner)
            owned = self._owned(owner, before)
            raised = {"version": before.version + 1, "proxy_generation": before.proxy_generation + 1}
            after = before.model_copy(update={**fields(owned), **raised})
            await _repository(work, owner).save(after)
            return after, AuditEvent(by, action, resource, key, detail=model_changes(before, after))

        field = SnapshotField.BOTS if kind == "bot" else SnapshotField.PROVIDERS
        return await self._writer.change(field, edit)

    def _owned(self, owner: str, spec: Owner) -> OwnedProxies:
        if not spec.sealed_proxies:
            raise InvalidRequest(f"{owner} has no proxies", param="owner")
        doors = tuple(
            (door.door, pool) for door in self._reports.doors() for pool in door.proxies if pool.owner == owner
        )
        return OwnedProxies(owner, spec, open_links(self._sealer, spec.sealed_proxies), doors)


def _require_version(owned: OwnedProxies, expected: int | None) -> None:
    if expected not in (None, owned.spec.version):
        raise Conflict("this was changed meanwhile; read it again", param="version")


def _models_url(provider_type: str, base_url: str) -> str:
    kind = PROVIDER_KINDS[provider_type]
    return (base_url or kind.base_url).rstrip("/") + kind.models_path


def _current(owned: OwnedProxies) -> int:
    """The index that most doors use now, else the one to begin with."""
    used = [index for _, pool in owned.doors for index, link in enumerate(pool.links) if link.current]
    return max(used, key=used.count, default=owned.spec.proxy_preferred)


async def _read(work: UnitOfWork, owner: str) -> Owner:
    """Raises NotFound."""
    spec = await _repository(work, owner).get(owner.partition(":")[2])
    if spec is None:
        raise NotFound(f"there is no {owner!r}", param="owner")
    return spec


def _repository(work: UnitOfWork, owner: str) -> SpecRepository[Owner]:
    if owner.startswith(_BOT):
        return work.bots  # type: ignore[return-value]
    if owner.startswith(_CLOUD):
        return work.providers  # type: ignore[return-value]
    raise InvalidRequest("an owner is cloud:<provider> or bot:<bot>", param="owner")
