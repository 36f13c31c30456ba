"""Resolves the overrides of a turn. Layers: the turn, its session, the mode (a bot button), its instance (bot or
widget), then the settings. Pure functions.

| what | first layer that sets it |
|---|---|
| system prompt | turn, session, mode, instance (a persona that a layer names counts too); the default persona |
| persona (its voice) | turn, session, instance; the default persona |
| voice | turn, session; that of the persona |
| route | turn, session, mode, instance, persona; the setting |
| temperature and other options, each by itself | turn, session, mode, instance, persona; the setting |

The route of the persona is applied by ``model_choice``: without its model, FAQ answers still work.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TypeVar

from deployments.contracts.chat import ChatTurn, GenerationOptions, Overrides
from deployments.contracts.snapshot import Snapshot

T = TypeVar("T")


def resolve_overrides(turn: ChatTurn, snapshot: Snapshot) -> ChatTurn:
    """``turn`` with its overrides written into its own fields. Fields that no layer sets stay None. Personas and speech
    presets that no longer exist are ignored."""
    known = {persona.id for persona in snapshot.personas}
    own = Overrides(turn.system_prompt, turn.persona_id, turn.route, turn.options, turn.voice_id)
    layers = tuple(_without_unknown_persona(layer, known) for layer in (own, *turn.overrides))
    persona_id = _first(layer.persona_id for layer in layers)
    persona = snapshot.persona(persona_id)
    options = [layer.options for layer in layers]
    return replace(
        turn,
        system_prompt=_system_prompt(layers),
        persona_id=persona_id,
        route=_first(layer.route for layer in layers),
        options=merge_options([*options, persona.llm_params.options] if persona else options),
        voice_id=_first(layer.voice_id for layer in layers),
        preset=turn.preset if snapshot.preset(turn.preset or "") else None,
        overrides=(),
    )


def merge_options(options: Iterable[GenerationOptions]) -> GenerationOptions:
    """Takes each field from the first options that set it."""
    result = GenerationOptions()
    for one in reversed(tuple(options)):
        given = {f.name: getattr(one, f.name) for f in fields(one)}
        result = replace(result, **{name: value for name, value in given.items() if value not in (None, ())})
    return result


def _without_unknown_persona(layer: Overrides, known: set[str]) -> Overrides:
    return layer if layer.persona_id in known else replace(layer, persona_id=None)


def _system_prompt(layers: tuple[Overrides, ...]) -> str | None:
    """None when the prompt comes from a persona: the one of the first layer that names one, or the default."""
    for layer in layers:
        if layer.system_prompt:
            return layer.system_prompt
        if layer.persona_id:
            return None
    return None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
