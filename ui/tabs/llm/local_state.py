"""What the local models and their engines report."""

from dataclasses import dataclass

from deployments.administration.llm.local_models import LocalModelView
from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.local_models import canonical_local_route, local_routes
from deployments.contracts.speech import EngineStatus
from ui.context import PanelContext


@dataclass(frozen=True, slots=True)
class LocalState:
    """A local model with what its replicas and its engine report. ``adapters`` maps routes to names."""

    view: LocalModelView
    route: str
    default_route: str
    languages: tuple[str, ...] = ()
    adapters: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 0
    can_sleep: bool = False
    waiting_answers: int = 0
    remedy: str = ""

    @property
    def is_default(self) -> bool:
        return self.default_route == self.route


async def read_local_states(panel: PanelContext) -> tuple[LocalState, ...]:
    local = panel.services.operations.local_models
    engines = {each.name: each for each in (await panel.overview.get()).engines or () if each.kind == "chat"}
    services = local.switch.services
    default = canonical_local_route(panel.services.publisher.current.settings.default_route, services)
    states = []
    for position, (service, route) in enumerate(zip(services, local_routes(services), strict=True)):
        nth = list(engines.values())[position : position + 1]
        engine = engines.get(service, nth[0] if nth else None)
        view = await local.view(service, with_options=False)
        states.append(_state(panel, view, engine, route, default))
    return tuple(states)


def _state(
    panel: PanelContext, view: LocalModelView, engine: EngineStatus | None, route: str, default: str
) -> LocalState:
    reports = panel.services.operations.replica_registry.replicas(view.service)
    draining = [each for each in reports if each.hosted is not None and each.hosted.draining]
    adapters = engine.adapters if engine else ()
    name = engine.name if engine else view.service
    return LocalState(
        view=view,
        route=route,
        default_route=default,
        languages=engine.languages if engine else (),
        adapters=tuple((str(Route(RouteKind.LOCAL, name, adapter)), adapter) for adapter in adapters),
        memory_bytes=sum(each.memory_bytes for each in reports),
        can_sleep=any(each.can_sleep for each in reports),
        waiting_answers=sum(each.ongoing for each in draining) if draining else 0,
        remedy=next((each.remedy for each in reports if each.remedy), engine.remedy if engine else ""),
    )
