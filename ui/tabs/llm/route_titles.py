"""Routes in words: "cloud:openai" is "OpenAI, gpt-4o"."""

from dataclasses import dataclass

from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.errors import ModelNotFound
from deployments.contracts.local_models import local_engines
from deployments.contracts.providers import resolve_alias
from deployments.contracts.snapshot import Snapshot
from ui.context import PanelContext
from ui.translations import Translator

KIND_ICONS = {RouteKind.LOCAL: "memory", RouteKind.CLOUD: "cloud", RouteKind.CHAIN: "link"}


@dataclass(frozen=True, slots=True)
class RouteTitle:
    """``known`` is False for a provider or chain that does not exist, or is switched off."""

    title: str
    detail: str
    icon: str
    known: bool = True

    @property
    def text(self) -> str:
        return f"{self.title} · {self.detail}" if self.detail else self.title


def describe_route(text: str, snapshot: Snapshot, t: Translator) -> RouteTitle:
    """``text`` "" is the default of the settings."""
    try:
        route = Route.parse(text)
    except ModelNotFound:
        return RouteTitle(text, t("llm.route_unknown"), "help_outline", known=False)
    if route is None:
        default = describe_route(snapshot.settings.default_route, snapshot, t)
        return RouteTitle(t("llm.route_default"), default.text, default.icon, default.known)
    icon = KIND_ICONS[route.kind]
    if route.kind is RouteKind.LOCAL:
        return RouteTitle(t("llm.route_local"), ", ".join(part for part in (route.name, route.adapter) if part), icon)
    if route.kind is RouteKind.CHAIN:
        chain = next((each for each in snapshot.chains if each.name == route.name), None)
        title = t("llm.route_chain", name=route.name)
        if chain is None or not chain.enabled:
            return RouteTitle(title, t("llm.route_off" if chain else "llm.route_unknown"), icon, known=False)
        return RouteTitle(title, "", icon)
    resolved = resolve_alias(str(route), snapshot.providers)
    provider = next((each for each in snapshot.providers if f"cloud:{each.id}" == resolved), None)
    if provider is None:
        return RouteTitle(route.name, t("llm.route_unknown"), icon, known=False)
    if not provider.enabled:
        return RouteTitle(provider.name, t("llm.route_off"), icon, known=False)
    return RouteTitle(provider.name, provider.model_name, icon)


async def list_routes(panel: PanelContext) -> dict[str, str]:
    """Every route that exists with its words, local adapters included."""
    snapshot = panel.services.publisher.current
    routes = list(await panel.services.office.chains.known_routes())
    engines = (await panel.overview.get()).engines or ()
    for engine in local_engines(engines).values():
        routes += [str(Route(RouteKind.LOCAL, engine.name, adapter)) for adapter in engine.adapters]
    return {route: describe_route(route, snapshot, panel.t).text for route in routes}
