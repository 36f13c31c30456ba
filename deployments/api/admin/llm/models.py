"""Routes of the language model: the default route, its model, and sampling."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from deployments.administration.llm.local_models import LocalModels, LocalModelView
from deployments.administration.llm.providers import ProviderAdministration
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.api.admin.etags import IfMatch, given_version, set_etag
from deployments.api.admin.llm.schemas import (
    BackendBody,
    BackendReply,
    ChatModelsReply,
    CurrentModelBody,
    CurrentModelReply,
    LoadedChatModel,
    ModelSwitchBody,
    SamplingBody,
    SamplingReply,
    SamplingValues,
)
from deployments.api.admin.request_identity import Caller
from deployments.contracts.chat import LOCAL_ROUTE, Route, RouteKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import Conflict, ModelNotFound, SecretaryError
from deployments.contracts.local_models import canonical_local_route, find_local_engine, local_engines
from deployments.contracts.providers import ProviderSpec, resolve_alias
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.conversation.model_choice import expand_route, find_chain

_NO_MODEL = "This graph has no language model: only prepared answers are given."


class SharedHistoryGone(SecretaryError):
    """Older clients ask for one shared conversation, which does not exist."""

    code, status = "gone", 410


def models_router(
    settings: SettingsAdministration,
    publisher: SnapshotPublisher,
    assistant: Assistant,
    providers: ProviderAdministration,
    local_models: LocalModels,
) -> APIRouter:
    router = APIRouter(prefix="/llm", tags=["llm"])
    _add_params(router, settings, publisher)
    _add_backend(router, settings, publisher, assistant)
    _add_models(router, publisher, assistant, local_models)
    _add_switch(router, local_models)
    _add_model(router, providers, publisher, assistant)
    _add_history(router)
    return router


def _add_params(router: APIRouter, settings: SettingsAdministration, publisher: SnapshotPublisher) -> None:
    @router.get("/params")
    async def read(response: Response) -> SamplingReply:
        """The default sampling parameters. The ETag is that of the settings."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return SamplingReply(params=SamplingValues.of(snapshot.settings.llm))

    @router.post("/params")
    async def write(body: SamplingBody, caller: Caller, response: Response, version: IfMatch) -> SamplingReply:
        """Changes the given parameters. The version is optional, for older clients."""
        changes = body.model_dump(exclude_none=True, exclude={"version"})
        stored = await settings.update_fields(changes, caller.username, "llm", given_version(version, body.version))
        set_etag(response, stored.revision)
        return SamplingReply(params=SamplingValues.of(stored.settings.llm))


def _add_backend(
    router: APIRouter, settings: SettingsAdministration, publisher: SnapshotPublisher, assistant: Assistant
) -> None:
    @router.get("/backend")
    async def backend(response: Response) -> BackendReply:
        """The default route and its state. The ETag is that of the settings."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return _reply(snapshot, await assistant.status())

    @router.post("/backend")
    async def choose(body: BackendBody, caller: Caller, response: Response, version: IfMatch) -> BackendReply:
        """Changes the default route. 404 for an unknown route, 409 for a disabled provider. The version is optional,
        for older clients."""
        statuses = await assistant.status()
        changes = {"default_route": str(_enabled_route(body.backend, publisher.current, statuses))}
        read = given_version(version, body.version)
        stored = await settings.update_fields(changes, caller.username, expected_revision=read)
        set_etag(response, stored.revision)
        reply = _reply(publisher.current, await assistant.status())
        kept = "Nothing was stopped: the graph configures which engines run." if body.stop_unused else ""
        return reply.model_copy(update={"message": " ".join(filter(None, (reply.message, kept)))})


def _add_models(
    router: APIRouter, publisher: SnapshotPublisher, assistant: Assistant, local_models: LocalModels
) -> None:
    @router.get("/models")
    async def models() -> ChatModelsReply:
        """The model of every route, the loaded models, and what each local deployment could host."""
        statuses = await assistant.status()
        current = _reply(publisher.current, statuses)
        available = {f"cloud:{each.id}": each.model_name for each in publisher.current.providers if each.enabled}
        local = local_engines(statuses)
        loaded = [_loaded(each) for each in local.values()]
        return ChatModelsReply(
            available_models={**{route: each.model for route, each in local.items()}, **available},
            current_model=current.model,
            loaded_models=loaded,
            backend=current.backend,
            local=await local_models.list(),
        )


def _add_switch(router: APIRouter, local_models: LocalModels) -> None:
    @router.post("/models/{service}/switch", status_code=202)
    async def switch(service: str, body: ModelSwitchBody, caller: Caller) -> LocalModelView:
        """Switches a local deployment to another model and returns at once; see ``switch`` and ``progress`` of
        ``GET /llm/models``. Running answers have 20 seconds. The present model is kept if the new one does not load.
        409 for a model that is hosted already, and while a switch is running."""
        await local_models.switch.switch(service, body.model or "", caller.username)
        return await local_models.view(service)

    @router.post("/models/{service}/switch/cancel")
    async def cancel(service: str, caller: Caller) -> LocalModelView:
        """Cancels a switch that still waits for running answers. 409 when the new model is being loaded already."""
        await local_models.switch.cancel(service, caller.username)
        return await local_models.view(service)


def _add_model(
    router: APIRouter, providers: ProviderAdministration, publisher: SnapshotPublisher, assistant: Assistant
) -> None:
    async def current(response: Response) -> CurrentModelReply:
        provider = _default_provider(publisher.current)
        if provider is not None:
            set_etag(response, provider.version)
        now = _reply(publisher.current, await assistant.status())
        return CurrentModelReply(model=now.model, backend=now.backend)

    @router.get("/model")
    async def model(response: Response) -> CurrentModelReply:
        """The model of the default route. The ETag is that of its provider."""
        return await current(response)

    @router.post("/model")
    async def change(body: CurrentModelBody, caller: Caller, response: Response, version: IfMatch) -> CurrentModelReply:
        """Changes the model of the provider that is the default route. 409 for the local route, whose model is
        configured in the graph. The version is optional, for older clients."""
        provider = _default_provider(publisher.current)
        if provider is not None:
            read = given_version(version, body.version)
            await providers.change(provider.id, {"model_name": body.model}, caller.username, read)
            return await current(response)
        now = await current(response)
        if body.model != now.model:
            first = "choose a provider with POST /admin/llm/backend first"
            raise Conflict(f"the model of {now.backend} is configured in the graph; {first}", param="model")
        return now


def _add_history(router: APIRouter) -> None:
    @router.get("/history")
    async def history() -> None:
        """Always 410: every conversation has an owner."""
        raise SharedHistoryGone("There is no shared conversation. See /admin/chat/sessions.")

    @router.delete("/history")
    async def clear() -> None:
        """Always 410: every conversation has an owner."""
        raise SharedHistoryGone("There is no shared conversation. Delete one at /admin/chat/sessions.")


def _enabled_route(text: str, snapshot: Snapshot, statuses: Sequence[EngineStatus]) -> Route:
    local = local_engines(statuses)
    providers = {f"cloud:{each.id}": each for each in snapshot.providers}
    known = ", ".join((*local, *providers, *(f"chain:{each.name}" for each in snapshot.chains)))
    try:
        route = Route.parse(text) or LOCAL_ROUTE
    except ModelNotFound:
        raise ModelNotFound(f"there is no backend {text!r}; those that exist: {known}", param="backend") from None
    if find_chain(str(route), snapshot):
        return route
    if route.kind is RouteKind.LOCAL:
        if route.name and find_local_engine(str(route), statuses) is None:
            raise ModelNotFound(f"there is no backend {text!r}; those that exist: {known}", param="backend")
        return Route.parse(canonical_local_route(text, [engine.name for engine in local.values()])) or LOCAL_ROUTE
    provider = providers.get(resolve_alias(str(route), snapshot.providers))
    if provider is None:
        raise ModelNotFound(f"there is no backend {text!r}; those that exist: {known}", param="backend")
    if not provider.enabled:
        raise Conflict(f"the provider {provider.id!r} is switched off", param="backend")
    return Route(RouteKind.CLOUD, provider.id)


def _default_provider(snapshot: Snapshot) -> ProviderSpec | None:
    route = snapshot.settings.default_route
    return next((each for each in snapshot.providers if f"cloud:{each.id}" == route), None)


def _reply(snapshot: Snapshot, statuses: tuple[EngineStatus, ...]) -> BackendReply:
    route, provider = snapshot.settings.default_route, _default_provider(snapshot)
    if provider is not None:
        return BackendReply(
            backend=route,
            model=provider.model_name,
            ready=provider.enabled,
            provider_type=provider.provider_type,
            provider_id=provider.id,
            api_url=provider.base_url or None,
        )
    if route.startswith("cloud:"):
        return BackendReply(backend=route, model="", ready=False, message=f"There is no provider for {route}.")
    engine = next(filter(None, (find_local_engine(each, statuses) for each in expand_route(route, snapshot))), None)
    missing = f"There is no local model on {route}." if local_engines(statuses) else _NO_MODEL
    message = engine.error if engine else missing
    return BackendReply(
        backend=route, model=engine.model if engine else "", ready=engine is not None and engine.ready, message=message
    )


def _loaded(engine: EngineStatus) -> LoadedChatModel:
    return LoadedChatModel(
        name=engine.name,
        adapters=list(engine.adapters),
        model=engine.model,
        engine=engine.engine,
        ready=engine.ready,
        revision=engine.revision,
        error=engine.error,
        remedy=engine.remedy,
    )
