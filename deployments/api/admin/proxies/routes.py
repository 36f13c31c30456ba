"""Routes of proxies: state, validation, tests, and the order of the links of a provider or bot."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter

from deployments.administration.proxies.drafts import parsed_links
from deployments.administration.proxies.links import check_text, parse_one
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTest, ProxyTestResult
from deployments.administration.proxies.service import ProxyAdministration
from deployments.api.admin.proxies.schemas import (
    AddLinksBody,
    LinkRemovedReply,
    ManyProxiesTestBody,
    OneProxyTestBody,
    OwnedProxiesReply,
    OwnerBody,
    ProxyChangedReply,
    ProxyStatusReply,
    ProxyTestReply,
    ProxyTestTarget,
    RemoveLinkBody,
    ReorderBody,
    ValidateBody,
    ValidateReply,
)
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.server_sent_events import EventStream, EventStreamSlots
from deployments.contracts.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class ProxyServices:
    """``core`` describes the program that speaks VLESS, ``test`` tries links."""

    administration: ProxyAdministration
    core: Callable[[], Awaitable[ProxyCoreState]]
    test: ProxyTest
    slots: EventStreamSlots


def proxies_router(services: ProxyServices) -> APIRouter:
    router = APIRouter(prefix="/llm/proxy", tags=["llm"])
    _add_state(router, services)
    _add_tests(router, services)
    _add_order(router, services.administration)
    return router


def _add_state(router: APIRouter, services: ProxyServices) -> None:
    @router.get("/status")
    async def status() -> ProxyStatusReply:
        """The program, and the proxies of each provider and bot with their state in each door."""
        owned = await services.administration.list()
        return ProxyStatusReply(core=await services.core(), proxies=[OwnedProxiesReply.of(each) for each in owned])

    @router.post("/validate")
    async def validate(body: ValidateBody) -> ValidateReply:
        """Checks links without using them. Nothing is stored."""
        lines = check_text(body.text.get_secret_value())
        return ValidateReply(
            valid=bool(lines) and all(line.valid for line in lines),
            count=sum(line.valid for line in lines),
            lines=list(lines),
        )


def _add_tests(router: APIRouter, services: ProxyServices) -> None:
    async def target(body: ProxyTestTarget) -> str:
        if body.owner is not None:
            return (await services.administration.get(body.owner)).probe_url
        return await services.administration.target_of(body.provider_type, body.base_url)

    @router.post("/test")
    async def test_one(body: OneProxyTestBody, caller: Caller) -> ProxyTestReply:
        """Asks a service through one proxy. Any answer counts; a proxy that fails is a result, not an HTTP error."""
        link = parse_one(body.vless_url.get_secret_value())
        url = await target(body)
        await services.administration.admit_test((link,), caller.username)
        results = [result async for result in services.test((link,), url)]
        result = results[0]
        message = f"{result.target} answers with {result.status_code}" if result.success else result.error
        return ProxyTestReply(
            message=message, **result.model_dump(include={"success", "status_code", "latency_ms", "target"})
        )

    @router.post("/test-multiple", response_model=None)
    async def test_many(body: ManyProxiesTestBody, caller: Caller) -> EventStream:
        """Tries links at once. Server-sent events: one ``ProxyTestResult`` per link as it comes."""
        if body.vless_urls:
            links = parsed_links(body.vless_urls)
        elif body.owner is not None:
            links = (await services.administration.get(body.owner)).links
        else:
            raise InvalidRequest("give vless_urls, or the owner of stored links", param="vless_urls")
        url = await target(body)
        await services.administration.admit_test(links, caller.username)
        results: AsyncGenerator[ProxyTestResult] = services.test(links, url)
        return EventStream(results, services.slots)


def _add_order(router: APIRouter, administration: ProxyAdministration) -> None:
    async def owner(body: OwnerBody) -> str:
        return body.owner or await administration.only_owner()

    @router.post("/switch-next")
    async def switch_next(body: OwnerBody, caller: Caller) -> ProxyChangedReply:
        """The link after the current one is used from now on, in every door."""
        owned = await administration.switch_next(await owner(body), caller.username)
        return ProxyChangedReply(proxy=OwnedProxiesReply.of(owned))

    @router.post("/reset")
    async def reset(body: OwnerBody, caller: Caller) -> ProxyChangedReply:
        """Forgets failures; the first link is used again."""
        owned = await administration.reset(await owner(body), caller.username)
        return ProxyChangedReply(proxy=OwnedProxiesReply.of(owned))

    @router.post("/reorder")
    async def reorder(body: ReorderBody, caller: Caller) -> ProxyChangedReply:
        """Changes the order; the first link is used from now on."""
        owned = await administration.reorder(await owner(body), body.order, caller.username, body.version)
        return ProxyChangedReply(proxy=OwnedProxiesReply.of(owned))

    @router.post("/add")
    async def add(body: AddLinksBody, caller: Caller) -> ProxyChangedReply:
        """Puts links behind the present ones."""
        text = body.vless_urls.get_secret_value()
        owned = await administration.add(await owner(body), text, caller.username, body.version)
        return ProxyChangedReply(proxy=OwnedProxiesReply.of(owned))

    @router.post("/remove")
    async def remove(body: RemoveLinkBody, caller: Caller) -> LinkRemovedReply:
        """Removes one link. Without any the provider or bot is asked directly."""
        await administration.remove(await owner(body), body.index, caller.username, body.version)
        return LinkRemovedReply()
