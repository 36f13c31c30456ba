"""Resolving overrides: pairwise combinations of turn, session, mode and instance."""

import itertools
from dataclasses import replace

import pytest

from deployments.contracts.chat import GenerationOptions, Overrides, Route
from deployments.contracts.instances import MAIN_MENU, BotSpec, WidgetSpec
from deployments.contracts.persona import Persona
from deployments.contracts.sampling import Sampling
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.model_choice import default_route
from deployments.conversation.prompt import build_prompt
from deployments.conversation.routing import merge_options, resolve_overrides
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, user_turn

LAYERS = ("turn", "session", "mode", "instance")
PERSONAS = tuple(Persona(id=name, name=name, prompts={"en": f"persona of {name}"}) for name in ("default", *LAYERS))
SETTINGS = SNAPSHOT.settings.model_copy(update={"default_persona": "default"})
PERSONA_SNAPSHOT = Snapshot(settings=SETTINGS, personas=PERSONAS)

LAYER_VALUES = ("nothing", "prompt", "persona", "both")
MODE_VALUES = ("nothing", "prompt")
COMBINATIONS = [
    dict(zip(LAYERS, says, strict=True))
    for says in itertools.product(LAYER_VALUES, LAYER_VALUES, MODE_VALUES, LAYER_VALUES)
    if sum(each != "nothing" for each in says) <= 2
]


def prompt(name: str, says: str) -> str:
    return f"prompt of {name}" if says in ("prompt", "both") else ""


def layer(name: str, says: str) -> Overrides:
    return Overrides(prompt(name, says) or None, name if says in ("persona", "both") else None)


def bot(**fields: object) -> BotSpec:
    return BotSpec.model_validate({"id": "shop", "name": "Shop", **fields})


@pytest.mark.parametrize("says", COMBINATIONS, ids=lambda says: "-".join(says.values()))
def test_overrides_first_layer_sets_prompt_and_persona(says: dict[str, str]) -> None:
    own, of_bot = layer("turn", says["turn"]), layer("instance", says["instance"])
    shop = bot(
        system_prompt=of_bot.system_prompt or "",
        persona_id=of_bot.persona_id or "",
        action_buttons=[{"id": "m", "label": "Mode", "system_prompt": prompt("mode", says["mode"])}],
    )
    turn = replace(
        user_turn("hi"),
        system_prompt=own.system_prompt,
        persona_id=own.persona_id,
        overrides=(layer("session", says["session"]), *shop.overrides("m")),
    )
    result = resolve_overrides(turn, PERSONA_SNAPSHOT)

    first = next((name for name in LAYERS if says[name] != "nothing"), None)
    if first is None:
        expected = "persona of default"
    elif says[first] == "persona":
        expected = f"persona of {first}"
    else:
        expected = f"prompt of {first}"
    assert build_prompt(result, PERSONA_SNAPSHOT, "en").messages[0].content == expected
    voice = next((name for name in LAYERS if says[name] in ("persona", "both")), None)
    assert result.persona_id == voice


@pytest.mark.parametrize("given", list(itertools.product((False, True), repeat=len(LAYERS) + 1)))
def test_overrides_first_layer_sets_route_and_options(given: tuple[bool, ...]) -> None:
    """The persona is the last layer."""
    names = (*LAYERS, "persona")
    routes = [f"cloud:{name}" if has else "" for name, has in zip(names, given, strict=True)]
    params = [{"temperature": n / 10, "max_tokens": n + 1} if has else {} for n, has in enumerate(given)]
    shop = bot(
        route=routes[3],
        llm_params=params[3],
        action_buttons=[{"id": "m", "label": "Mode", "route": routes[2], "llm_params": params[2]}],
    )
    turn = replace(
        user_turn("hi"),
        route=Route.parse(routes[0]),
        options=Sampling.model_validate(params[0]).options,
        overrides=(
            Overrides(route=Route.parse(routes[1]), options=Sampling.model_validate(params[1]).options),
            *shop.overrides("m"),
        ),
    )
    persona = PERSONAS[0].model_copy(update={"route": routes[4], "llm_params": Sampling.model_validate(params[4])})
    snapshot = PERSONA_SNAPSHOT.model_copy(update={"personas": (persona,)})
    result = resolve_overrides(turn, snapshot)
    first = next((number for number, has in enumerate(given) if has), None)
    chosen = "local" if first is None else routes[first]
    assert str(result.route or default_route(snapshot, result.persona_id)) == chosen
    filled = build_prompt(result, snapshot, "en").options
    assert filled.temperature == (SETTINGS.llm.temperature if first is None else first / 10)
    assert filled.max_tokens == (SETTINGS.llm.max_tokens if first is None else first + 1)
    assert filled.repetition_penalty == SETTINGS.llm.repetition_penalty


@pytest.mark.parametrize("mode", ["", "gone", "off", MAIN_MENU])
def test_bot_overrides_without_active_mode(mode: str) -> None:
    shop = bot(
        system_prompt="Own",
        action_buttons=[
            {"id": "off", "label": "Off", "enabled": False, "system_prompt": "Off"},
            {"id": MAIN_MENU, "label": "Menu", "system_prompt": "Menu"},
        ],
    )
    assert shop.overrides(mode) == (Overrides("Own"),)


def test_widget_overrides_have_all_fields() -> None:
    widget = WidgetSpec(
        id="w", name="W", route="local", persona_id="anna", system_prompt="Brief.", llm_params=Sampling(top_p=0.4)
    )
    assert widget.own_overrides == Overrides("Brief.", "anna", Route.parse("local"), GenerationOptions(top_p=0.4))


def test_merge_options_keeps_first_value_including_zero() -> None:
    got = merge_options(
        (GenerationOptions(temperature=0.0), GenerationOptions(temperature=1.0, top_p=0.5, stop=("a",)))
    )
    assert got == GenerationOptions(temperature=0.0, top_p=0.5, stop=("a",))


def test_overrides_ignore_deleted_persona() -> None:
    turn = replace(user_turn("hi"), overrides=(Overrides(persona_id="gone"), Overrides(system_prompt="of the bot")))
    assert (
        build_prompt(resolve_overrides(turn, PERSONA_SNAPSHOT), PERSONA_SNAPSHOT, "en").messages[0].content
        == "of the bot"
    )


async def test_unknown_session_route_is_rejected() -> None:
    from deployments.contracts.errors import ModelNotFound

    harness = await AssistantHarness().start()
    turn = replace(user_turn("hi"), overrides=(Overrides(route=Route.parse("cloud:nobody")),))
    with pytest.raises(ModelNotFound):
        harness.assistant.reply(turn)


def test_voice_of_session_applies_unless_turn_names_one() -> None:
    turn = replace(user_turn("Hi"), overrides=(Overrides(voice_id="dmitri"), Overrides(voice_id="irina")))
    assert resolve_overrides(turn, PERSONA_SNAPSHOT).voice_id == "dmitri"
    assert resolve_overrides(replace(turn, voice_id="anna"), PERSONA_SNAPSHOT).voice_id == "anna"
