"""Finds the local model that a route names, among the engines of a graph."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.speech import EngineStatus


def local_route(text: str) -> Route | None:
    """``text`` as the route of a local model, or None for other routes."""
    try:
        route = Route.parse(text)
    except ModelNotFound:
        return None
    return route if route and route.kind is RouteKind.LOCAL else None


def local_routes(names: Sequence[str]) -> tuple[str, ...]:
    """The routes of the local models ``names``, of which the first is the default one."""
    return tuple(str(Route(RouteKind.LOCAL, name if n else "")) for n, name in enumerate(names))


def canonical_local_route(text: str, names: Sequence[str]) -> str:
    """The one spelling of a local route: ``vllm`` and ``local:{first}`` are ``local``, where ``first`` is the first of
    ``names``. With an adapter the model has its name: ``local:{first}:{adapter}``."""
    route = local_route(text)
    if route is None:
        return text
    first = next(iter(names), "")
    if route.adapter:
        return str(replace(route, name=route.name or first))
    return str(replace(route, name="" if route.name == first else route.name))


def without_adapter(text: str, names: Sequence[str]) -> str:
    """The one spelling of ``text`` without the adapter of a local route."""
    route = local_route(text)
    return canonical_local_route(str(replace(route, adapter="")), names) if route else text


def local_engines(statuses: Iterable[EngineStatus]) -> dict[str, EngineStatus]:
    """The local models by route, the default one first."""
    chats = [status for status in statuses if status.kind == "chat"]
    return dict(zip(local_routes([status.name for status in chats]), chats, strict=True))


def find_local_engine(text: str, statuses: Iterable[EngineStatus]) -> EngineStatus | None:
    """The local model that the route ``text`` names, with or without an adapter."""
    route = local_route(text)
    if route is None:
        return None
    chats = local_engines(statuses).values()
    return next((each for each in chats if route.name in ("", each.name)), None)
