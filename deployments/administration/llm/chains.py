"""Chains of routes, as people declare them: several routes under one name, the first that works answers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from deployments.administration.office.drafts import Draft, require_capacity, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.providers import RouteChain
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

_ALIASES = {"vllm": "local"}
_PREFIX = "chain:"


class ChainDraft(Draft):
    """What a person declares: 1 to 8 routes, each ``local``, ``cloud:<provider id>`` or ``chain:<name>``."""

    routes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = Field(default="", max_length=2_000)


class ChainAdministration:
    """Declares chains; every change is published."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._desk = writer

    async def list(self) -> tuple[RouteChain, ...]:
        """Every chain by name."""
        async with self._database.unit_of_work() as work:
            return await work.chains.all()

    async def known_routes(self) -> tuple[str, ...]:
        """Every route that a chain may name."""
        async with self._database.unit_of_work() as work:
            return await list_known_routes(work)

    async def get(self, name: str) -> RouteChain:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, name)

    async def create(self, name: str, draft: ChainDraft, by: str) -> RouteChain:
        """Raises Conflict when the name is taken, InvalidRequest for routes that do not exist or lead in a circle."""

        async def edit(work: UnitOfWork, _: int) -> tuple[RouteChain, AuditEvent]:
            if await work.chains.get(name) is not None:
                raise Conflict(f"there is a chain {name!r} already", param="name")
            require_capacity(await work.chains.all(), "chains")
            return await _saved(work, name, draft, 1), AuditEvent(by, "create", "route_chain", name)

        return await self._desk.change(SnapshotField.CHAINS, edit)

    async def update(self, name: str, draft: ChainDraft, expected_version: int, by: str) -> RouteChain:
        """Raises NotFound, Conflict, InvalidRequest."""

        async def edit(work: UnitOfWork, _: int) -> tuple[RouteChain, AuditEvent]:
            before = await _existing(work, name)
            require_version(before.version, expected_version, "chain")
            chain = await _saved(work, name, draft, before.version + 1)
            return chain, AuditEvent(by, "update", "route_chain", name)

        return await self._desk.change(SnapshotField.CHAINS, edit)

    async def delete(self, name: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound; Conflict while another chain leads here."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            chain = await _existing(work, name)
            require_version(chain.version, expected_version, "chain")
            users = [each.name for each in await work.chains.all() if f"{_PREFIX}{name}" in each.routes]
            if users:
                raise Conflict(f"this chain is part of {', '.join(users)}: take it out of there first")
            await work.chains.remove(name)
            return None, AuditEvent(by, "delete", "route_chain", name)

        await self._desk.change(SnapshotField.CHAINS, edit)


async def list_known_routes(work: UnitOfWork) -> tuple[str, ...]:
    """Every route that a chain may name."""
    providers = [f"cloud:{provider.id}" for provider in await work.providers.all()]
    return ("local", *providers, *(f"{_PREFIX}{chain.name}" for chain in await work.chains.all()))


async def _saved(work: UnitOfWork, name: str, draft: ChainDraft, version: int) -> RouteChain:
    routes = tuple(_ALIASES.get(route, route) for route in draft.routes)
    known = (*await list_known_routes(work), f"{_PREFIX}{name}")
    unknown = next((route for route in routes if route not in known), None)
    if unknown is not None:
        raise InvalidRequest(
            f"there is no route {unknown!r}; those that exist: {', '.join(known[:-1])}", param="routes"
        )
    if len(set(routes)) != len(routes):
        raise InvalidRequest("every route may stand in a chain once", param="routes")
    chain = RouteChain(name=name, routes=routes, enabled=draft.enabled, description=draft.description, version=version)
    _require_no_circle(chain, {each.name: each.routes for each in await work.chains.all()})
    await work.chains.save(chain)
    return chain


def _require_no_circle(chain: RouteChain, routes: Mapping[str, tuple[str, ...]]) -> None:
    """Raises InvalidRequest when ``chain`` leads back to itself, directly or through other chains."""
    seen: set[str] = set()
    ahead = list(chain.routes)
    while ahead:
        route = ahead.pop()
        if route == f"{_PREFIX}{chain.name}":
            raise InvalidRequest("the chain leads back to itself", param="routes")
        if route.startswith(_PREFIX) and route not in seen:
            seen.add(route)
            ahead += routes.get(route.removeprefix(_PREFIX), ())


async def _existing(work: UnitOfWork, name: str) -> RouteChain:
    chain = await work.chains.get(name)
    if chain is None:
        raise NotFound(f"there is no chain {name!r}")
    return chain
