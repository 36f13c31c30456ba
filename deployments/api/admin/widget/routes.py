"""Chat windows on websites: declared here, served by the gateway."""

from fastapi import APIRouter, status
from starlette.responses import Response

from deployments.administration.widgets import WidgetAdministration
from deployments.api.admin.bodies import Changes, of_instance, with_version
from deployments.api.admin.identity import Caller
from deployments.api.admin.revisions import IfMatch, expected, named, tag
from deployments.api.admin.widget.schemas import NewWidget, WidgetDone, WidgetList
from deployments.contracts.instances import WidgetSpec

_DEFAULT = "default"


def widget_router(widgets: WidgetAdministration) -> APIRouter:
    router = APIRouter(prefix="/widget", tags=["widget"])
    _add_instances(router, widgets)
    _add_default(router, widgets)
    return router


def _add_instances(router: APIRouter, widgets: WidgetAdministration) -> None:
    @router.get("/instances")
    async def every(enabled_only: bool = False) -> WidgetList:
        return WidgetList(instances=[each for each in await widgets.list() if each.enabled or not enabled_only])

    @router.post("/instances", status_code=status.HTTP_201_CREATED)
    async def create(body: NewWidget, caller: Caller, response: Response) -> WidgetDone:
        return _done(await widgets.create(body.draft(), caller.username), response)

    @router.get("/instances/{widget_id}")
    async def one(widget_id: str, response: Response) -> WidgetSpec:
        return _done(await widgets.get(widget_id), response).instance

    @router.put("/instances/{widget_id}")
    async def change(widget_id: str, body: Changes, caller: Caller, response: Response, version: IfMatch) -> WidgetDone:
        """Changes what is given."""
        changes, read = with_version(of_instance(body))
        return _done(await widgets.change(widget_id, changes, caller.username, expected(version, read)), response)

    @router.delete("/instances/{widget_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(widget_id: str, caller: Caller, version: IfMatch) -> None:
        await widgets.delete(widget_id, caller.username, version)


def _add_default(router: APIRouter, widgets: WidgetAdministration) -> None:
    """The addresses of a time when there was one widget."""

    @router.get("/config")
    async def config(response: Response) -> WidgetSpec:
        return _done(await widgets.get(_DEFAULT), response).instance

    @router.post("/config")
    async def configure(body: Changes, caller: Caller, response: Response, version: IfMatch) -> WidgetDone:
        """Changes the widget ``default``, or declares it when there is none yet. A version is heeded, not demanded:
        older clients send none."""
        changes, read = with_version(of_instance(body))
        return _done(await widgets.configure(_DEFAULT, changes, caller.username, named(version, read)), response)


def _done(spec: WidgetSpec, response: Response) -> WidgetDone:
    tag(response, spec.version)
    return WidgetDone(instance=spec)
