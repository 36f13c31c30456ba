"""Administration of personas: the system prompts and voices that the secretary answers with."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from deployments.administration.office.drafts import Draft, apply_changes
from deployments.administration.office.spec_administration import KeyedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.frozen_model import Language
from deployments.contracts.persona import Persona
from storage import seed
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

_Prompt = Annotated[str, Field(max_length=20_000)]
_Answer = Annotated[str, Field(max_length=4_000)]


class PersonaDraft(Draft):
    """The editable fields of a persona. ``prompts``: language -> system prompt; ``voices``: language -> voice id;
    ``fallback_answers``: language -> answer to a question in a language that no model speaks. A blank or missing one
    is replaced by the built-in text."""

    name: str = Field(min_length=1, max_length=100)
    prompts: dict[Language, _Prompt] = Field(max_length=50)
    voices: dict[Language, Annotated[str, Field(max_length=100)]] = Field(default={}, max_length=50)
    fallback_answers: dict[Language, _Answer] = Field(default={}, max_length=50)

    @model_validator(mode="after")
    def _check_prompts(self) -> Self:
        if not any(prompt.strip() for prompt in self.prompts.values()):
            raise ValueError("a persona needs a prompt in at least one language")
        return self


def seed_persona_ids() -> frozenset[str]:
    """Ids of the personas that a new installation starts with."""
    return frozenset(persona.id for persona in seed.personas())


class PersonaAdministration(KeyedSpecAdministration[Persona, PersonaDraft]):
    """The version of a persona is the fingerprint of its content. The default persona cannot be deleted."""

    field = SnapshotField.PERSONAS
    noun = resource = "persona"

    async def set_prompt(
        self, persona_id: str, language: str, prompt: str, by: str, expected_version: int | None = None
    ) -> Persona:
        """Replaces the system prompt of one language. Raises NotFound, Conflict; InvalidRequest for a blank prompt."""
        if not prompt.strip():
            raise InvalidRequest("the prompt must not be blank", param="prompt")

        async def set_one(_: UnitOfWork, before: Persona) -> Persona:
            prompts = {"prompts": {**before.prompts, language: prompt}}
            return Persona(
                id=before.id, **apply_changes(PersonaDraft, before.model_dump(exclude={"id"}), prompts).model_dump()
            )

        return await self._change(persona_id, set_one, by, expected_version, detail=f"prompts.{language}")

    async def reset_prompts(self, persona_id: str, by: str, expected_version: int | None = None) -> Persona:
        """Restores the prompts of a seed persona. Raises NotFound for any other persona, Conflict."""
        original = next((persona for persona in seed.personas() if persona.id == persona_id), None)

        async def restore(_: UnitOfWork, before: Persona) -> Persona:
            if original is None:
                raise NotFound(f"persona {persona_id!r} has no original prompts: it is not a seed persona")
            return before.model_copy(update={"prompts": original.prompts})

        return await self._change(persona_id, restore, by, expected_version, action="reset", detail="prompts")

    def _repository(self, work: UnitOfWork) -> SpecRepository[Persona]:
        return work.personas

    async def _build(self, work: UnitOfWork, key: str, draft: PersonaDraft, before: Persona | None) -> Persona:
        return Persona(id=key, **draft.model_dump())

    async def _check_unused(self, work: UnitOfWork, spec: Persona) -> None:
        if (await work.settings.get()).default_persona == spec.id:
            raise Conflict("this is the default persona: choose another default first")
