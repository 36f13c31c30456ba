"""Telegram bots in the database; tokens are sealed before they come here."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.instances import BotSpec
from storage.models import BotRow


class BotRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[BotSpec, ...]:
        """Every bot by id."""
        return tuple(_spec(row) for row in await self._session.scalars(select(BotRow).order_by(BotRow.id)))

    async def get(self, bot_id: str) -> BotSpec | None:
        row = await self._session.get(BotRow, bot_id)
        return _spec(row) if row is not None else None

    async def add(self, spec: BotSpec) -> None:
        self._session.add(BotRow(**_columns(spec)))
        await self._session.flush()

    async def replace(self, spec: BotSpec) -> None:
        """Overwrites the bot of this id, version and all. KeyError when there is none."""
        row = await self._session.get(BotRow, spec.id)
        if row is None:
            raise KeyError(spec.id)
        for name, value in _columns(spec).items():
            setattr(row, name, value)
        await self._session.flush()

    async def remove(self, bot_id: str) -> None:
        await self._session.execute(delete(BotRow).where(BotRow.id == bot_id))


def _columns(spec: BotSpec) -> dict[str, object]:
    return spec.model_dump(mode="json")


def _spec(row: BotRow) -> BotSpec:
    return BotSpec.model_validate({name: getattr(row, name) for name in BotSpec.model_fields})
