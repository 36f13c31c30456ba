"""``/services``: what runs, and taking engines out of memory and back."""

from fastapi import APIRouter

from deployments.administration.services import Action, Outcome, ServiceControl, ServicesStatus
from deployments.api.admin.identity import Caller
from deployments.api.admin.services.schemas import AllOutcomes


def build_router(control: ServiceControl) -> APIRouter:
    router = APIRouter(prefix="/services", tags=["services"])

    @router.get("/status")
    async def status() -> ServicesStatus:
        return await control.status()

    @router.post("/start-all")
    async def start_all(who: Caller) -> AllOutcomes:
        return AllOutcomes(results=await control.act_on_all("start", who.username))

    @router.post("/stop-all")
    async def stop_all(who: Caller) -> AllOutcomes:
        return AllOutcomes(results=await control.act_on_all("stop", who.username))

    def add(action: Action) -> None:
        @router.post(f"/{{service}}/{action}", name=action)
        async def act(service: str, who: Caller) -> Outcome:
            return await control.act(service, action, who.username)

    add("start")
    add("stop")
    add("restart")
    return router
