"""Who the secretary can be."""

from deployments.contracts.settings import Persona


class PersonaAdministration:
    async def list(self) -> tuple[Persona, ...]:
        """Every persona by id."""
        raise NotImplementedError

    async def get(self, persona_id: str) -> Persona:
        """Raises NotFound."""
        raise NotImplementedError

    async def save(self, persona: Persona, by: str) -> Persona:
        """Creates the persona or replaces the one of the same id."""
        raise NotImplementedError

    async def delete(self, persona_id: str, by: str) -> None:
        """Raises NotFound; Conflict for the default persona."""
        raise NotImplementedError
