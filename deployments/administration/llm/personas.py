"""Administration of personas: the system prompts and voices that the secretary answers with."""

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from deployments.administration.llm.chains import list_known_routes
from deployments.administration.llm.route_users import find_persona_users, read_configuration, require_unused
from deployments.administration.office.drafts import Draft, RouteName, apply_changes
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.spec_administration import KeyedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.frozen_model import Language
from deployments.contracts.local_models import canonical_local_route, without_adapter
from deployments.contracts.persona import Persona
from deployments.contracts.prompt_variables import BUILT_IN_VARIABLES, unknown_variables
from deployments.contracts.providers import resolve_alias
from deployments.contracts.sampling import Sampling
from storage import seed
from storage.database import Database
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

_INVALID_ID_CHARACTERS = re.compile(r"[^a-z0-9_-]+")
_MAX_ID_LENGTH = 50

_Prompt = Annotated[str, Field(max_length=20_000)]
_Answer = Annotated[str, Field(max_length=4_000)]
_Variable = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_Text = Annotated[str, Field(max_length=1_000)]


class PersonaDraft(Draft):
    """The editable fields of a persona. ``prompts``: language -> system prompt; ``voices``: language -> voice id;
    ``fallback_answers``: language -> answer to a question in a language that no model speaks. A blank or missing one
    is replaced by the built-in text. ``variables``: language -> variable -> text of ``{{variable}}`` in the prompt."""

    name: str = Field(min_length=1, max_length=100)
    prompts: dict[Language, _Prompt] = Field(max_length=50)
    voices: dict[Language, Annotated[str, Field(max_length=100)]] = Field(default={}, max_length=50)
    fallback_answers: dict[Language, _Answer] = Field(default={}, max_length=50)

    variables: dict[Language, Annotated[dict[_Variable, _Text], Field(max_length=50)]] = Field(
        default={}, max_length=50
    )
    route: RouteName = ""
    llm_params: Sampling = Sampling()

    @model_validator(mode="after")
    def _check_prompts(self) -> Self:
        if not any(prompt.strip() for prompt in self.prompts.values()):
            raise ValueError("a persona needs a prompt in at least one language")
        return self


def seed_persona_ids() -> frozenset[str]:
    """Ids of the personas that a new installation starts with."""
    return frozenset(persona.id for persona in seed.personas())


def free_persona_id(name: str, taken: Collection[str]) -> str:
    """An unused ASCII id derived from ``name``. Persona ids are part of model names."""
    slug = _INVALID_ID_CHARACTERS.sub("-", name.lower()).strip("-")[: _MAX_ID_LENGTH - 4] or "persona"
    return next(each for each in (slug, *(f"{slug}-{n}" for n in range(2, 1000))) if each not in taken)


class PersonaAdministration(KeyedSpecAdministration[Persona, PersonaDraft]):
    """The version of a persona is the fingerprint of its content. A persona is needed while the
    settings, a bot or a widget name it.

    A prompt with an unknown variable and a route that does not exist raise InvalidRequest."""

    field = SnapshotField.PERSONAS
    noun = resource = "persona"

    def __init__(self, database: Database, writer: SnapshotWriter, local_models: Sequence[str]) -> None:
        super().__init__(database, writer)
        self._local_models = tuple(local_models)

    async def set_prompt(
        self, persona_id: str, language: str, prompt: str, by: str, expected_version: int | None = None
    ) -> Persona:
        """Replaces the system prompt of one language. Raises NotFound, Conflict; InvalidRequest for a blank prompt."""
        if not prompt.strip():
            raise InvalidRequest("the prompt must not be blank", param="prompt")

        async def set_one(_: UnitOfWork, before: Persona) -> Persona:
            prompts = {"prompts": {**before.prompts, language: prompt}}
            draft = apply_changes(PersonaDraft, before.model_dump(exclude={"id"}), prompts)
            return _require_known_variables(Persona(id=before.id, **draft.model_dump()))

        return await self._change(persona_id, set_one, by, expected_version)

    async def reset_prompts(self, persona_id: str, by: str, expected_version: int | None = None) -> Persona:
        """Restores the prompts of a seed persona, and those of their variables that were removed. Raises NotFound for
        any other persona, Conflict."""
        original = next((persona for persona in seed.personas() if persona.id == persona_id), None)

        async def restore(_: UnitOfWork, before: Persona) -> Persona:
            if original is None:
                raise NotFound(f"persona {persona_id!r} has no original prompts: it is not a seed persona")
            variables = {
                language: original.variables.get(language, {}) | before.variables.get(language, {})
                for language in (*original.variables, *before.variables)
            }
            return before.model_copy(update={"prompts": original.prompts, "variables": variables})

        return await self._change(persona_id, restore, by, expected_version, action="reset")

    def _repository(self, work: UnitOfWork) -> SpecRepository[Persona]:
        return work.personas

    async def _build(self, work: UnitOfWork, key: str, draft: PersonaDraft, before: Persona | None) -> Persona:
        route = canonical_local_route(draft.route, self._local_models)
        known = await list_known_routes(work, self._local_models)
        if route and without_adapter(resolve_alias(route, await work.providers.all()), self._local_models) not in known:
            raise InvalidRequest(f"there is no route {draft.route!r}; known routes: {', '.join(known)}", param="route")
        return _require_known_variables(Persona(id=key, **draft.model_dump(exclude={"route"}), route=route))

    async def _check_unused(self, work: UnitOfWork, spec: Persona) -> None:
        require_unused(find_persona_users(spec.id, await read_configuration(work)), "persona")


def _require_known_variables(persona: Persona) -> Persona:
    """``persona`` itself. Raises InvalidRequest when it defines a built-in variable or a prompt uses an unknown one."""
    for language, own in persona.variables.items():
        if taken := [name for name in own if name in BUILT_IN_VARIABLES]:
            raise InvalidRequest(f"{{{{{taken[0]}}}}} is a built-in variable", param=f"variables.{language}")
    for language, prompt in persona.prompts.items():
        known = (*BUILT_IN_VARIABLES, *persona.variables.get(language, {}))
        if unknown := unknown_variables(prompt, known):
            listed = ", ".join(f"{{{{{name}}}}}" for name in unknown)
            raise InvalidRequest(
                f"the prompt has unknown variables {listed}; known: {', '.join(known)}. Define others in variables",
                param=f"prompts.{language}",
            )
    return persona
