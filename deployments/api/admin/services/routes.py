"""``/services``: what runs, and taking engines out of memory and back."""

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
    async def start_all(who: Caller) -> ServiceActionResults:
        return ServiceActionResults(results=await control.act_on_all("start", who.username))

    @router.post("/stop-all")
    async def stop_all(who: Caller) -> ServiceActionResults:
        return ServiceActionResults(results=await control.act_on_all("stop", who.username))

    def add(action: ServiceAction) -> None:
        @router.post(f"/{{service}}/{action}", name=action)
        async def act(service: str, who: Caller) -> ServiceActionResult:
            return await control.act(service, action, who.username)

    add("start")
    add("stop")
    add("restart")
    return router
