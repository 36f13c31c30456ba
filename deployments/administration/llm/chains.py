"""Administration of route chains: several routes under one name, of which the first that works answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from deployments.administration.llm.route_users import find_route_users, read_configuration, require_unused
from deployments.administration.office.drafts import Draft
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.spec_administration import KeyedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.local_models import canonical_local_route, local_routes, without_adapter
from deployments.contracts.providers import ChainPolicy, RouteChain
from storage.database import Database
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

_PREFIX = "chain:"


class ChainDraft(Draft, ChainPolicy):
    """The editable fields of a chain: 1 to 8 routes, each ``local``, ``local:<name>``,
    ``local:<name>:<adapter>``, ``cloud:<provider id>`` or ``chain:<name>``."""

    routes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(min_length=1, max_length=8)
    enabled: bool = True
    description: str = Field(default="", max_length=2_000)


class ChainAdministration(KeyedSpecAdministration[RouteChain, ChainDraft]):
    """A draft raises InvalidRequest for routes that do not exist, are repeated or form a cycle. A chain is needed while
    the settings, a persona, bot, widget or another chain name it."""

    field = SnapshotField.CHAINS
    noun = "chain"
    resource = "route_chain"
    key_field = "name"

    def __init__(self, database: Database, writer: SnapshotWriter, local_models: Sequence[str]) -> None:
        super().__init__(database, writer)
        self._local_models = tuple(local_models)

    async def known_routes(self) -> tuple[str, ...]:
        """Every route that a chain may contain."""
        async with self._database.unit_of_work() as work:
            return await list_known_routes(work, self._local_models)

    def _repository(self, work: UnitOfWork) -> SpecRepository[RouteChain]:
        return work.chains

    async def _build(self, work: UnitOfWork, key: str, draft: ChainDraft, before: RouteChain | None) -> RouteChain:
        routes = tuple(canonical_local_route(route, self._local_models) for route in draft.routes)
        known = await list_known_routes(work, self._local_models)
        unknown = next(
            (
                route
                for route in routes
                if without_adapter(route, self._local_models) not in (*known, f"{_PREFIX}{key}")
            ),
            None,
        )
        if unknown is not None:
            raise InvalidRequest(f"there is no route {unknown!r}; known routes: {', '.join(known)}", param="routes")
        if len(set(routes)) != len(routes):
            raise InvalidRequest("a chain contains each route once", param="routes")
        version = before.version + 1 if before else 1
        chain = RouteChain(name=key, version=version, **draft.model_dump(exclude={"routes"}), routes=routes)
        _require_acyclic(chain, {each.name: each.routes for each in await work.chains.all()})
        return chain

    async def _check_unused(self, work: UnitOfWork, spec: RouteChain) -> None:
        require_unused(find_route_users(f"{_PREFIX}{spec.name}", await read_configuration(work)), "chain")


async def list_known_routes(work: UnitOfWork, local_models: Sequence[str]) -> tuple[str, ...]:
    """Every route that a chain may contain. A local route may also name an adapter."""
    providers = [f"cloud:{provider.id}" for provider in await work.providers.all()]
    return (*local_routes(local_models), *providers, *(f"{_PREFIX}{chain.name}" for chain in await work.chains.all()))


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
