"""Administration of route chains: several routes under one name, of which the first that works answers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from deployments.administration.office.drafts import Draft
from deployments.administration.office.spec_administration import KeyedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, InvalidRequest
from deployments.contracts.providers import ChainPolicy, RouteChain
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

_ALIASES = {"vllm": "local"}
_PREFIX = "chain:"


class ChainDraft(Draft, ChainPolicy):
    """The editable fields of a chain: 1 to 8 routes, each ``local``, ``cloud:<provider id>`` or ``chain:<name>``."""

    routes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = Field(default="", max_length=2_000)


class ChainAdministration(KeyedSpecAdministration[RouteChain, ChainDraft]):
    """A draft raises InvalidRequest for routes that do not exist, are repeated or form a cycle. A chain is needed while
    another chain contains it."""

    field = SnapshotField.CHAINS
    noun = "chain"
    resource = "route_chain"
    key_field = "name"

    async def known_routes(self) -> tuple[str, ...]:
        """Every route that a chain may contain."""
        async with self._database.unit_of_work() as work:
            return await list_known_routes(work)

    def _repository(self, work: UnitOfWork) -> SpecRepository[RouteChain]:
        return work.chains

    async def _build(self, work: UnitOfWork, key: str, draft: ChainDraft, before: RouteChain | None) -> RouteChain:
        routes = tuple(_ALIASES.get(route, route) for route in draft.routes)
        known = await list_known_routes(work)
        unknown = next((route for route in routes if route not in (*known, f"{_PREFIX}{key}")), None)
        if unknown is not None:
            raise InvalidRequest(f"there is no route {unknown!r}; known routes: {', '.join(known)}", param="routes")
        if len(set(routes)) != len(routes):
            raise InvalidRequest("a chain contains each route once", param="routes")
        version = before.version + 1 if before else 1
        chain = RouteChain(name=key, version=version, **draft.model_dump(exclude={"routes"}), routes=routes)
        _require_acyclic(chain, {each.name: each.routes for each in await work.chains.all()})
        return chain

    async def _check_unused(self, work: UnitOfWork, spec: RouteChain) -> None:
        users = [each.name for each in await work.chains.all() if f"{_PREFIX}{spec.name}" in each.routes]
        if users:
            raise Conflict(f"this chain is part of {', '.join(users)}: take it out of there first")


async def list_known_routes(work: UnitOfWork) -> tuple[str, ...]:
    """Every route that a chain may contain."""
    providers = [f"cloud:{provider.id}" for provider in await work.providers.all()]
    return ("local", *providers, *(f"{_PREFIX}{chain.name}" for chain in await work.chains.all()))


def _require_acyclic(chain: RouteChain, routes: Mapping[str, tuple[str, ...]]) -> None:
    """Raises InvalidRequest when ``chain`` contains itself, directly or through other chains."""
    seen: set[str] = set()
    pending = list(chain.routes)
    while pending:
        route = pending.pop()
        if route == f"{_PREFIX}{chain.name}":
            raise InvalidRequest("the chain contains itself", param="routes")
        if route.startswith(_PREFIX) and route not in seen:
            seen.add(route)
            pending += routes.get(route.removeprefix(_PREFIX), ())
