"""Chains of routes in the database."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.providers import RouteChain
from storage.models import RouteChainRow


class ChainRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[RouteChain, ...]:
        """Every one by name."""
        rows = await self._session.scalars(select(RouteChainRow).order_by(RouteChainRow.name))
        return tuple(_stored(row) for row in rows)

    async def get(self, name: str) -> RouteChain | None:
        row = await self._session.get(RouteChainRow, name)
        return _stored(row) if row is not None else None

    async def save(self, spec: RouteChain) -> None:
        """Adds it or overwrites the one of the same name, version and all. Conflict when a unique name is taken."""
        row = await self._session.get(RouteChainRow, spec.name)
        if row is None:
            row = RouteChainRow(name=spec.name)
            self._session.add(row)
        for name, value in _columns(spec).items():
            setattr(row, name, value)
        await self._session.flush()

    async def remove(self, name: str) -> None:
        await self._session.execute(delete(RouteChainRow).where(RouteChainRow.name == name))


def _columns(spec: RouteChain) -> dict[str, object]:
    return {**spec.model_dump(), "routes": [*spec.routes]}


def _stored(row: RouteChainRow) -> RouteChain:
    return RouteChain.model_validate({name: getattr(row, name) for name in RouteChain.model_fields})
