"""Routes of cloud providers and route chains. API keys are accepted and never returned."""

from fastapi import APIRouter, status
from starlette.responses import Response

from deployments.administration.llm.chains import ChainAdministration
from deployments.administration.llm.provider_test import ProviderTest
from deployments.administration.llm.providers import ProviderAdministration
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.llm.schemas import (
    ChainBody,
    ChainList,
    NewChain,
    NewProvider,
    ProviderDeletedReply,
    ProviderList,
    ProviderReply,
    ProviderSavedReply,
    ProviderTestReply,
    ProviderTypeReply,
)
from deployments.api.admin.request_bodies import FieldChanges, split_version
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec, RouteChain

_FIELD_ALIASES = {"config": "params"}


def providers_router(providers: ProviderAdministration, test: ProviderTest) -> APIRouter:
    router = APIRouter(prefix="/llm/providers", tags=["llm"])

    def reply(spec: ProviderSpec, response: Response) -> ProviderSavedReply:
        set_etag(response, spec.version)
        return ProviderSavedReply(provider=ProviderReply.of(spec, providers.proxy_hosts(spec)))

    @router.get("")
    async def every(enabled_only: bool = False) -> ProviderList:
        """Every provider, and the provider types."""
        found = [each for each in await providers.list() if each.enabled or not enabled_only]
        return ProviderList(
            providers=[ProviderReply.of(each, providers.proxy_hosts(each)) for each in found],
            provider_types={name: _type_reply(name) for name in PROVIDER_KINDS},
        )

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create(body: NewProvider, caller: Caller, response: Response) -> ProviderSavedReply:
        spec = await providers.create(body.draft(), caller.username)
        if body.is_default:
            spec = await providers.make_default(spec.id, caller.username)
        return reply(spec, response)

    @router.get("/{provider_id}")
    async def one(provider_id: str, response: Response) -> ProviderReply:
        return reply(await providers.get(provider_id), response).provider

    @router.put("/{provider_id}")
    async def change(
        provider_id: str, body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> ProviderSavedReply:
        """Changes the given fields. ``api_key`` "" keeps the stored key and null clears it. Moving to another server
        without a new key clears it too."""
        changes, read = split_version(body)
        if "is_default" in changes:
            raise InvalidRequest(f"use POST /admin/llm/providers/{provider_id}/set-default", param="is_default")
        fields = {_FIELD_ALIASES.get(name, name): value for name, value in changes.items()}
        spec = await providers.change(provider_id, fields, caller.username, required_version(version, read))
        return reply(spec, response)

    @router.delete("/{provider_id}")
    async def remove(provider_id: str, caller: Caller, version: IfMatch) -> ProviderDeletedReply:
        """409, which says by what, while the settings, a persona, bot, widget or chain use it."""
        await providers.delete(provider_id, caller.username, version)
        return ProviderDeletedReply(message=f"{provider_id} was deleted")

    @router.post("/{provider_id}/set-default")
    async def make_default(
        provider_id: str, caller: Caller, response: Response, version: IfMatch
    ) -> ProviderSavedReply:
        """``If-Match`` is optional, for older clients."""
        return reply(await providers.make_default(provider_id, caller.username, version), response)

    _add_test(router, providers, test)
    return router


def _add_test(router: APIRouter, providers: ProviderAdministration, test: ProviderTest) -> None:
    @router.post("/{provider_id}/test")
    async def try_out(provider_id: str) -> ProviderTestReply:
        """Lists the models and asks for one short answer, which costs as any other. Also tries a disabled provider.
        A provider that fails is a result, not an HTTP error."""
        result = await test(await providers.get(provider_id))
        return ProviderTestReply(status="ok" if result.available else "error", **result.model_dump())


def chains_router(chains: ChainAdministration) -> APIRouter:
    router = APIRouter(prefix="/llm/routes", tags=["llm"])

    @router.get("")
    async def every() -> ChainList:
        """Every chain, and the routes that a chain may contain."""
        return ChainList(routes=list(await chains.list()), known=list(await chains.known_routes()))

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create(body: NewChain, caller: Caller, response: Response) -> RouteChain:
        chain = await chains.create(body.name, body.draft(), caller.username)
        set_etag(response, chain.version)
        return chain

    @router.get("/{name}")
    async def one(name: str, response: Response) -> RouteChain:
        chain = await chains.get(name)
        set_etag(response, chain.version)
        return chain

    @router.put("/{name}")
    async def replace(name: str, body: ChainBody, caller: Caller, response: Response, version: IfMatch) -> RouteChain:
        chain = await chains.update(name, body.draft(), required_version(version, body.version), caller.username)
        set_etag(response, chain.version)
        return chain

    @router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(name: str, caller: Caller, version: IfMatch) -> None:
        """409, which says by what, while the settings, a persona, bot, widget or another chain use it."""
        await chains.delete(name, caller.username, version)

    return router


def _type_reply(name: str) -> ProviderTypeReply:
    kind = PROVIDER_KINDS[name]
    return ProviderTypeReply(
        name=kind.title,
        default_base_url=kind.base_url,
        default_models=[model.name for model in kind.models],
        free_models=[model.name for model in kind.models if model.free],
        requires_base_url=kind.requires_base_url,
        requires_key=kind.requires_key,
        parameters=sorted(kind.parameters),
        tools=kind.tools,
        images=kind.images,
    )
