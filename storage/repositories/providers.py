"""Cloud providers in the database; secrets are sealed before they come here."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.providers import ProviderSpec
from storage.models import CloudProviderRow


class ProviderRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[ProviderSpec, ...]:
        """Every one by id."""
        rows = await self._session.scalars(select(CloudProviderRow).order_by(CloudProviderRow.id))
        return tuple(_stored(row) for row in rows)

    async def get(self, id: str) -> ProviderSpec | None:
        row = await self._session.get(CloudProviderRow, id)
        return _stored(row) if row is not None else None

    async def save(self, spec: ProviderSpec) -> None:
        """Adds it or overwrites the one of the same id, version and all. Conflict when a unique name is taken."""
        row = await self._session.get(CloudProviderRow, spec.id)
        if row is None:
            row = CloudProviderRow(id=spec.id)
            self._session.add(row)
        for name, value in _columns(spec).items():
            setattr(row, name, value)
        await self._session.flush()

    async def remove(self, id: str) -> None:
        await self._session.execute(delete(CloudProviderRow).where(CloudProviderRow.id == id))


def _columns(spec: ProviderSpec) -> dict[str, object]:
    return spec.model_dump(mode="json")


def _stored(row: CloudProviderRow) -> ProviderSpec:
    return ProviderSpec.model_validate({name: getattr(row, name) for name in ProviderSpec.model_fields})
