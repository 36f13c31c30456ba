"""Who the secretary can be."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from deployments.administration.office.drafts import Draft, content_fingerprint, require_capacity, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.frozen_model import Language
from deployments.contracts.settings import Persona
from storage import seed
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

_Prompt = Annotated[str, Field(max_length=20_000)]


class PersonaDraft(Draft):
    """What a person writes down. ``prompts``: language -> system prompt; ``voices``: language -> voice id."""

    name: str = Field(min_length=1, max_length=100)
    prompts: dict[Language, _Prompt] = Field(max_length=50)
    voices: dict[Language, Annotated[str, Field(max_length=100)]] = Field(default={}, max_length=50)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(prompt.strip() for prompt in self.prompts.values()):
            raise ValueError("a persona needs a prompt in one language at least")
        return self


def seed_persona_ids() -> frozenset[str]:
    """The personas that come with the program."""
    return frozenset(persona.id for persona in seed.personas())


class PersonaAdministration:
    """List, save and delete personas; every change is published."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._desk = writer

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

        return await self._desk.change(SnapshotField.PERSONAS, edit)

    async def create(self, persona_id: str, draft: PersonaDraft, by: str) -> Persona:
        """Raises Conflict when the id is taken."""
        persona = Persona(id=persona_id, **draft.model_dump())

        async def edit(work: UnitOfWork, _: int) -> tuple[Persona, AuditEvent]:
            if await work.personas.get(persona_id) is not None:
                raise Conflict(f"there is a persona {persona_id!r} already", param="id")
            require_capacity(await work.personas.all(), "personas")
            await work.personas.save(persona)
            return persona, AuditEvent(by, "create", "persona", persona_id)

        return await self._desk.change(SnapshotField.PERSONAS, edit)

    async def update(self, persona_id: str, draft: PersonaDraft, expected_version: int, by: str) -> Persona:
        """Raises NotFound; Conflict when the persona's fingerprint is not ``expected_version`` any more."""
        persona = Persona(id=persona_id, **draft.model_dump())

        async def edit(work: UnitOfWork, _: int) -> tuple[Persona, AuditEvent]:
            require_version(content_fingerprint(await _existing(work, persona_id)), expected_version, "persona")
            await work.personas.save(persona)
            return persona, AuditEvent(by, "update", "persona", persona_id)

        return await self._desk.change(SnapshotField.PERSONAS, edit)

    async def set_prompt(
        self, persona_id: str, language: str, prompt: str, by: str, expected_version: int | None = None
    ) -> Persona:
        """Writes the system prompt of one language anew. Raises NotFound, Conflict, InvalidRequest for a blank one."""
        if not prompt.strip():
            raise InvalidRequest("the prompt must not be blank", param="prompt")

        async def edit(work: UnitOfWork, _: int) -> tuple[Persona, AuditEvent]:
            before = await _existing(work, persona_id)
            require_version(content_fingerprint(before), expected_version, "persona")
            persona = before.model_copy(update={"prompts": {**before.prompts, language: prompt}})
            await work.personas.save(persona)
            return persona, AuditEvent(by, "update", "persona", persona_id, detail=f"prompts.{language}")

        return await self._desk.change(SnapshotField.PERSONAS, edit)

    async def reset_prompts(self, persona_id: str, by: str, expected_version: int | None = None) -> Persona:
        """The prompts that the persona came with. Raises NotFound when it did not come with the program, Conflict."""
        original = next((persona for persona in seed.personas() if persona.id == persona_id), None)

        async def edit(work: UnitOfWork, _: int) -> tuple[Persona, AuditEvent]:
            before = await _existing(work, persona_id)
            require_version(content_fingerprint(before), expected_version, "persona")
            if original is None:
                raise NotFound(f"persona {persona_id!r} did not come with the program: there is nothing to go back to")
            persona = before.model_copy(update={"prompts": original.prompts})
            await work.personas.save(persona)
            return persona, AuditEvent(by, "reset", "persona", persona_id, detail="prompts")

        return await self._desk.change(SnapshotField.PERSONAS, edit)

    async def delete(self, persona_id: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound; Conflict for the default persona."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            persona = await _existing(work, persona_id)
            require_version(content_fingerprint(persona), expected_version, "persona")
            if (await work.settings.get()).default_persona == persona_id:
                raise Conflict("this is the default persona: choose another default first")
            await work.personas.remove(persona_id)
            return None, AuditEvent(by, "delete", "persona", persona_id)

        await self._desk.change(SnapshotField.PERSONAS, edit)


async def _existing(work: UnitOfWork, persona_id: str) -> Persona:
    persona = await work.personas.get(persona_id)
    if persona is None:
        raise NotFound(f"there is no persona {persona_id!r}")
    return persona
