"""Routes of chat widgets. The gateway serves them."""

from fastapi import APIRouter, status
from starlette.responses import Response

from deployments.administration.widgets.service import WidgetAdministration
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.request_bodies import FieldChanges, instance_fields, split_version
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.widgets.schemas import NewWidget, WidgetInstanceReply, WidgetList
from deployments.contracts.instances import WidgetSpec

_DEFAULT_ID = "default"


def widgets_router(widgets: WidgetAdministration) -> APIRouter:
    router = APIRouter(prefix="/widget", tags=["widget"])
    _add_instances(router, widgets)
    _add_default(router, widgets)
    return router


def _add_instances(router: APIRouter, widgets: WidgetAdministration) -> None:
    @router.get("/instances")
    async def every(enabled_only: bool = False) -> WidgetList:
        return WidgetList(instances=[each for each in await widgets.list() if each.enabled or not enabled_only])

    @router.post("/instances", status_code=status.HTTP_201_CREATED)
    async def create(body: NewWidget, caller: Caller, response: Response) -> WidgetInstanceReply:
        return _reply(await widgets.create(body.draft(), caller.username), response)

    @router.get("/instances/{widget_id}")
    async def one(widget_id: str, response: Response) -> WidgetSpec:
        return _reply(await widgets.get(widget_id), response).instance

    @router.put("/instances/{widget_id}")
    async def change(
        widget_id: str, body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> WidgetInstanceReply:
        """Changes the given fields."""
        changes, read = split_version(instance_fields(body))
        return _reply(
            await widgets.change(widget_id, changes, caller.username, required_version(version, read)), response
        )

    @router.delete("/instances/{widget_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(widget_id: str, caller: Caller, version: IfMatch) -> None:
        await widgets.delete(widget_id, caller.username, version)


def _add_default(router: APIRouter, widgets: WidgetAdministration) -> None:
    """Routes of older clients, which know a single widget."""

    @router.get("/config")
    async def config(response: Response) -> WidgetSpec:
        return _reply(await widgets.get(_DEFAULT_ID), response).instance

    @router.post("/config")
    async def configure(
        body: FieldChanges, caller: Caller, response: Response, version: IfMatch
    ) -> WidgetInstanceReply:
        """Changes the widget ``default`` or creates it. The version is optional, for older clients."""
        changes, read = split_version(instance_fields(body))
        return _reply(
            await widgets.update_or_create(_DEFAULT_ID, changes, caller.username, given_version(version, read)),
            response,
        )


def _reply(spec: WidgetSpec, response: Response) -> WidgetInstanceReply:
    set_etag(response, spec.version)
    return WidgetInstanceReply(instance=spec)
