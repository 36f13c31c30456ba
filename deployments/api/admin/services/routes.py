"""Routes of ``/services``: state of services, start, stop and restart."""

from fastapi import APIRouter

from deployments.administration.services.service_control import (
    ServiceAction,
    ServiceActionResult,
    ServiceControl,
    ServicesStatus,
)
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.services.schemas import ServiceActionResults


def build_router(control: ServiceControl) -> APIRouter:
    router = APIRouter(prefix="/services", tags=["services"])

    @router.get("/status")
    async def status() -> ServicesStatus:
        return await control.status()

    @router.post("/start-all")
    async def start_all(caller: Caller) -> ServiceActionResults:
        return ServiceActionResults(results=await control.act_on_all("start", caller.username))

    @router.post("/stop-all")
    async def stop_all(caller: Caller) -> ServiceActionResults:
        return ServiceActionResults(results=await control.act_on_all("stop", caller.username))

    def add(action: ServiceAction) -> None:
        @router.post(f"/{{service}}/{action}", name=action)
        async def act(service: str, caller: Caller) -> ServiceActionResult:
            return await control.act(service, action, caller.username)

    add("start")
    add("stop")
    add("restart")
    add("sleep")
    add("wake")
    return router
