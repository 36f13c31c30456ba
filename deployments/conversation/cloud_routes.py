"""The cloud models that an installation routes to, and whether each could answer. Calls no provider."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.model_choice import default_route, expand_route

_CLOUD = "cloud:"


class CloudState(StrEnum):
    CONFIGURED = "configured"
    KEY_MISSING = "key missing"
    SWITCHED_OFF = "switched off"
    UNKNOWN = "no such provider"
    FAILING = "failing"
    """The last answers on this door failed: chains try it last."""


@dataclass(frozen=True, slots=True)
class CloudRoute:
    """A route to a provider with its model."""

    route: str
    model: str
    state: CloudState


def used_cloud_routes(snapshot: Snapshot, failing: Collection[str] = ()) -> tuple[CloudRoute, ...]:
    """The cloud routes of the settings, personas, enabled chains, and enabled bots and widgets with their buttons, each
    once. ``failing`` are routes whose breaker is open."""
    providers = {f"{_CLOUD}{each.id}": each for each in snapshot.providers}
    found = dict.fromkeys(
        each for route in _named_routes(snapshot) for each in expand_route(route, snapshot) if each.startswith(_CLOUD)
    )
    return tuple(_describe(route, providers.get(route), failing) for route in found)


def _named_routes(snapshot: Snapshot) -> Iterator[str]:
    yield default_route(snapshot)
    yield snapshot.settings.default_route
    yield from (persona.route for persona in snapshot.personas)
    yield from (f"chain:{chain.name}" for chain in snapshot.chains if chain.enabled)
    yield from (each.route for each in (*snapshot.bots, *snapshot.widgets) if each.enabled)
    yield from (button.route for bot in snapshot.bots if bot.enabled for button in bot.buttons)


def _describe(route: str, provider: ProviderSpec | None, failing: Collection[str]) -> CloudRoute:
    if provider is None:
        return CloudRoute(route, "", CloudState.UNKNOWN)
    return CloudRoute(route, provider.model_name, _state(route, provider, failing))


def _state(route: str, provider: ProviderSpec, failing: Collection[str]) -> CloudState:
    kind = PROVIDER_KINDS.get(provider.provider_type)
    if not provider.enabled or kind is None:
        return CloudState.SWITCHED_OFF
    if kind.requires_key and not provider.sealed_api_key:
        return CloudState.KEY_MISSING
    return CloudState.FAILING if route in failing else CloudState.CONFIGURED
