"""Routes of personas and their system prompts."""

from fastapi import APIRouter, status
from starlette.responses import Response

from deployments.administration.llm.personas import PersonaAdministration, free_persona_id, seed_persona_ids
from deployments.administration.office.drafts import content_fingerprint
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.llm.schemas import (
    DefaultPersonaBody,
    DefaultPersonaReply,
    NewPersona,
    PersonaBody,
    PersonaList,
    PersonaReply,
    PromptBody,
    PromptPreviewReply,
    PromptReply,
    persona_reply,
)
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import NotFound
from deployments.contracts.identity import Identity
from deployments.contracts.persona import Persona
from deployments.conversation.persona_prompt import preview_prompt


def personas_router(
    personas: PersonaAdministration, settings: SettingsAdministration, publisher: SnapshotPublisher
) -> APIRouter:
    router = APIRouter(prefix="/llm", tags=["llm"])
    _add_prompts(router, personas, publisher)
    _add_choice(router, settings, publisher)
    _add_personas(router, personas, publisher)
    return router


def _add_prompts(router: APIRouter, personas: PersonaAdministration, publisher: SnapshotPublisher) -> None:
    def reply(persona: Persona, response: Response, language: str | None = None) -> PromptReply:
        set_etag(response, content_fingerprint(persona))
        settings = publisher.current.settings
        shown = language or settings.default_language
        return PromptReply(
            persona=persona.id,
            prompt=persona.prompt(shown),
            language=shown,
            model=settings.default_route,
            prompts=persona.prompts,
        )

    async def read(persona_id: str, response: Response) -> PromptReply:
        return reply(await personas.get(persona_id), response)

    async def save_prompt(
        persona_id: str, body: PromptBody, caller: Identity, response: Response, version: int | None
    ) -> PromptReply:
        language, read = (
            body.language or publisher.current.settings.default_language,
            given_version(version, body.version),
        )
        stored = await personas.set_prompt(persona_id, language, body.prompt, caller.username, read)
        return reply(stored, response, language)

    @router.get("/prompt")
    async def default_prompt(response: Response) -> PromptReply:
        """The system prompt of the default persona in the default language."""
        return await read(publisher.current.settings.default_persona, response)

    @router.post("/prompt")
    async def write_default(body: PromptBody, caller: Caller, response: Response, version: IfMatch) -> PromptReply:
        """The version is optional, for older clients."""
        return await save_prompt(publisher.current.settings.default_persona, body, caller, response, version)

    @router.get("/prompt/{persona}")
    async def prompt(persona: str, response: Response) -> PromptReply:
        return await read(persona, response)

    @router.post("/prompt/{persona}")
    async def write(
        persona: str, body: PromptBody, caller: Caller, response: Response, version: IfMatch
    ) -> PromptReply:
        """The version is optional, for older clients."""
        return await save_prompt(persona, body, caller, response, version)

    @router.post("/prompt/{persona}/preview")
    async def preview(persona: str, body: PromptBody) -> PromptPreviewReply:
        """The given prompt with its variables filled in. Nothing is stored."""
        settings = publisher.current.settings
        language = body.language or settings.default_language
        found = preview_prompt(await personas.get(persona), language, body.prompt, settings.time_zone)
        return PromptPreviewReply(prompt=found.text, language=language, unknown_variables=list(found.unknown_variables))

    @router.post("/prompt/{persona}/reset")
    async def reset(persona: str, caller: Caller, response: Response, version: IfMatch) -> PromptReply:
        """Restores the original prompts of a seed persona; 404 for any other persona."""
        return reply(await personas.reset_prompts(persona, caller.username, version), response)


def _add_choice(router: APIRouter, settings: SettingsAdministration, publisher: SnapshotPublisher) -> None:
    @router.get("/persona")
    async def current(response: Response) -> DefaultPersonaReply:
        """The default persona. The ETag is that of the settings."""
        snapshot = publisher.current
        persona = snapshot.persona(None)
        if persona is None:
            raise NotFound("there is no persona")
        set_etag(response, snapshot.revision)
        return DefaultPersonaReply(id=persona.id, name=persona.name)

    @router.post("/persona")
    async def choose(
        body: DefaultPersonaBody, caller: Caller, response: Response, version: IfMatch
    ) -> DefaultPersonaReply:
        """The version is optional, for older clients."""
        known = {persona.id: persona for persona in publisher.current.personas}
        if body.persona not in known:
            raise NotFound(
                f"there is no persona {body.persona!r}; those that exist: {', '.join(known) or 'none'}", param="persona"
            )
        read = given_version(version, body.version)
        stored = await settings.update_fields(
            {"default_persona": body.persona}, caller.username, expected_revision=read
        )
        set_etag(response, stored.revision)
        return DefaultPersonaReply(id=body.persona, name=known[body.persona].name)


def _add_personas(router: APIRouter, personas: PersonaAdministration, publisher: SnapshotPublisher) -> None:
    def reply(persona: Persona, response: Response | None = None) -> PersonaReply:
        version = content_fingerprint(persona)
        if response is not None:
            set_etag(response, version)
        default = publisher.current.settings.default_persona == persona.id
        return persona_reply(persona, version, default=default, original=persona.id in seed_persona_ids())

    @router.get("/personas")
    async def every() -> PersonaList:
        return PersonaList(personas={persona.id: reply(persona) for persona in await personas.list()})

    @router.post("/personas", status_code=status.HTTP_201_CREATED)
    async def create(body: NewPersona, caller: Caller, response: Response) -> PersonaReply:
        persona_id = body.id or free_persona_id(body.name, {persona.id for persona in publisher.current.personas})
        return reply(await personas.create(persona_id, body.draft(), caller.username), response)

    @router.get("/personas/{persona}")
    async def one(persona: str, response: Response) -> PersonaReply:
        return reply(await personas.get(persona), response)

    @router.put("/personas/{persona}")
    async def replace(
        persona: str, body: PersonaBody, caller: Caller, response: Response, version: IfMatch
    ) -> PersonaReply:
        stored = await personas.update(persona, body.draft(), required_version(version, body.version), caller.username)
        return reply(stored, response)

    @router.delete("/personas/{persona}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(persona: str, caller: Caller, version: IfMatch) -> None:
        """409, which says by what, while the settings, a bot or a widget use it."""
        await personas.delete(persona, caller.username, version)
