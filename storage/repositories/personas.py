"""Personas in the database."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Persona
from storage.models import PersonaRow


class PersonaRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[Persona, ...]:
        """Every persona by id."""
        return tuple(_persona(row) for row in await self._session.scalars(select(PersonaRow).order_by(PersonaRow.id)))

    async def get(self, persona_id: str) -> Persona | None:
        row = await self._session.get(PersonaRow, persona_id)
        return _persona(row) if row is not None else None

    async def save(self, persona: Persona) -> None:
        """Adds the persona or overwrites the one of the same id."""
        await self._session.merge(PersonaRow(**persona.model_dump()))
        await self._session.flush()

    async def remove(self, persona_id: str) -> None:
        await self._session.execute(delete(PersonaRow).where(PersonaRow.id == persona_id))


def _persona(row: PersonaRow) -> Persona:
    return Persona(id=row.id, name=row.name, prompts=row.prompts, voices=row.voices)
