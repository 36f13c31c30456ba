"""Who uses a route or a persona: what would lose its model when a provider, chain or persona is deleted."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from deployments.contracts.chat import Route
from deployments.contracts.errors import Conflict, ModelNotFound
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.providers import resolve_alias
from deployments.contracts.snapshot import Snapshot
from storage.unit_of_work import UnitOfWork

UserKind = Literal["default", "persona", "bot", "widget", "chain"]


class ModelUser(FrozenModel):
    """``name`` is that of the persona, bot, widget or chain; empty for the default of the settings."""

    kind: UserKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else "the default of the settings"


def find_route_users(route: str, snapshot: Snapshot) -> tuple[ModelUser, ...]:
    """What names ``route``: the settings, personas, bots with their buttons, widgets and chains, also disabled ones.
    The alias of the default Gemini provider counts as that provider."""

    def names(other: str) -> bool:
        return _same_route(other, route, snapshot)

    return tuple(dict.fromkeys(_route_users(snapshot, names)))


def find_persona_users(persona_id: str, snapshot: Snapshot) -> tuple[ModelUser, ...]:
    """The settings, bots and widgets that name the persona."""
    default = [ModelUser(kind="default")] if snapshot.settings.default_persona == persona_id else []
    bots = [ModelUser(kind="bot", name=each.name) for each in snapshot.bots if each.persona_id == persona_id]
    widgets = [ModelUser(kind="widget", name=each.name) for each in snapshot.widgets if each.persona_id == persona_id]
    return (*default, *bots, *widgets)


async def read_configuration(work: UnitOfWork) -> Snapshot:
    """The part of the stored configuration that names routes and personas."""
    return Snapshot(
        settings=await work.settings.get(),
        personas=await work.personas.all(),
        bots=await work.bots.all(),
        widgets=await work.widgets.all(),
        providers=await work.providers.all(),
        chains=await work.chains.all(),
    )


def require_unused(users: Sequence[ModelUser], noun: str) -> None:
    """Raises Conflict, which names the users."""
    if users:
        listed = ", ".join(str(user) for user in users)
        raise Conflict(f"this {noun} is used by {listed}: choose another one there first")


def _route_users(snapshot: Snapshot, names: Callable[[str], bool]) -> Iterator[ModelUser]:
    if names(snapshot.settings.default_route):
        yield ModelUser(kind="default")
    for persona in snapshot.personas:
        if names(persona.route):
            yield ModelUser(kind="persona", name=persona.name)
    for bot in snapshot.bots:
        if any(names(route) for route in (bot.route, *(button.route for button in bot.action_buttons))):
            yield ModelUser(kind="bot", name=bot.name)
    for widget in snapshot.widgets:
        if names(widget.route):
            yield ModelUser(kind="widget", name=widget.name)
    for chain in snapshot.chains:
        if any(names(route) for route in chain.routes):
            yield ModelUser(kind="chain", name=chain.name)


def _same_route(text: str, route: str, snapshot: Snapshot) -> bool:
    try:
        parsed = Route.parse(text)
    except ModelNotFound:
        return False
    return parsed is not None and resolve_alias(str(parsed), snapshot.providers) == route
