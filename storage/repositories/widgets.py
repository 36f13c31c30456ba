"""Widgets in the database."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.instances import WidgetSpec
from storage.models import WidgetRow


class WidgetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[WidgetSpec, ...]:
        """Every one by id."""
        rows = await self._session.scalars(select(WidgetRow).order_by(WidgetRow.id))
        return tuple(_stored(row) for row in rows)

    async def get(self, id: str) -> WidgetSpec | None:
        row = await self._session.get(WidgetRow, id)
        return _stored(row) if row is not None else None

    async def save(self, spec: WidgetSpec) -> None:
        """Adds it or overwrites the one of the same id, version and all. Conflict when a unique name is taken."""
        row = await self._session.get(WidgetRow, spec.id)
        if row is None:
            row = WidgetRow(id=spec.id)
            self._session.add(row)
        for name, value in _columns(spec).items():
            setattr(row, name, value)
        await self._session.flush()

    async def remove(self, id: str) -> None:
        await self._session.execute(delete(WidgetRow).where(WidgetRow.id == id))


def _columns(spec: WidgetSpec) -> dict[str, object]:
    return spec.model_dump(mode="json")


def _stored(row: WidgetRow) -> WidgetSpec:
    return WidgetSpec.model_validate({name: getattr(row, name) for name in WidgetSpec.model_fields})
