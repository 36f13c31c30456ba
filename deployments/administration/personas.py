"""Who the secretary can be."""

from deployments.administration.desk import ChangeDesk
from deployments.administration.snapshots import Part
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.settings import Persona
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.work import UnitOfWork


class PersonaAdministration:
    """List, save and delete personas; every change is published."""

    def __init__(self, database: Database, desk: ChangeDesk) -> None:
        self._database = database
        self._desk = desk

    async def list(self) -> tuple[Persona, ...]:
        """Every persona by id."""
        async with self._database.unit_of_work() as work:
            return await work.personas.all()

    async def get(self, persona_id: str) -> Persona:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, persona_id)

    async def save(self, persona: Persona, by: str) -> Persona:
        """Creates the persona or replaces the one of the same id. Raises InvalidRequest without any prompt."""
        if not any(prompt.strip() for prompt in persona.prompts.values()):
            raise InvalidRequest("a persona needs a prompt in one language at least", param="prompts")

        async def edit(work: UnitOfWork, _: int) -> tuple[Persona, AuditEvent]:
            action = "create" if await work.personas.get(persona.id) is None else "update"
            await work.personas.save(persona)
            return persona, AuditEvent(by, action, "persona", persona.id)

        return await self._desk.change(Part.PERSONAS, edit)

    async def delete(self, persona_id: str, by: str) -> None:
        """Raises NotFound; Conflict for the default persona."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            await _existing(work, persona_id)
            if (await work.settings.get()).default_persona == persona_id:
                raise Conflict("this is the default persona: choose another default first")
            await work.personas.remove(persona_id)
            return None, AuditEvent(by, "delete", "persona", persona_id)

        await self._desk.change(Part.PERSONAS, edit)


async def _existing(work: UnitOfWork, persona_id: str) -> Persona:
    persona = await work.personas.get(persona_id)
    if persona is None:
        raise NotFound(f"there is no persona {persona_id!r}")
    return persona
