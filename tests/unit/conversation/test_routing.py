"""Who decides: every combination of turn, session, mode, instance and settings."""

import itertools
from dataclasses import replace

import pytest

from deployments.contracts.chat import GenerationOptions, Overrides, Route
from deployments.contracts.instances import MAIN_MENU, BotSpec, WidgetSpec
from deployments.contracts.sampling import Sampling
from deployments.contracts.settings import Persona, Snapshot
from deployments.conversation.prompt import build_prompt
from deployments.conversation.routing import merge_options, resolve_overrides
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, user_turn

LAYERS = ("turn", "session", "mode", "instance")
PERSONAS = tuple(Persona(id=name, name=name, prompts={"en": f"persona of {name}"}) for name in ("default", *LAYERS))
SETTINGS = SNAPSHOT.settings.model_copy(update={"default_persona": "default"})
HOUSE = Snapshot(settings=SETTINGS, personas=PERSONAS)

SAYS = ("nothing", "prompt", "persona", "both")
OF_A_MODE = ("nothing", "prompt")
TABLE = [dict(zip(LAYERS, says, strict=True)) for says in itertools.product(SAYS, SAYS, OF_A_MODE, SAYS)]


def prompt(name: str, says: str) -> str:
    return f"prompt of {name}" if says in ("prompt", "both") else ""


def layer(name: str, says: str) -> Overrides:
    return Overrides(prompt(name, says) or None, name if says in ("persona", "both") else None)


def bot(**fields: object) -> BotSpec:
    return BotSpec.model_validate({"id": "shop", "name": "Shop", **fields})


@pytest.mark.parametrize("says", TABLE, ids=lambda says: "-".join(says.values()))
def test_the_prompt_and_the_persona_are_of_the_first_that_names_one(says: dict[str, str]) -> None:
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
    result = resolve_overrides(turn, HOUSE)

    first = next((name for name in LAYERS if says[name] != "nothing"), None)
    if first is None:
        expected = "persona of default"
    elif says[first] == "persona":
        expected = f"persona of {first}"
    else:
        expected = f"prompt of {first}"
    assert build_prompt(result, HOUSE, "en").messages[0].content == expected
    voice = next((name for name in LAYERS if says[name] in ("persona", "both")), None)
    assert result.persona_id == voice


@pytest.mark.parametrize("given", list(itertools.product((False, True), repeat=len(LAYERS))))
def test_each_option_and_the_route_are_of_the_first_that_has_them(given: tuple[bool, ...]) -> None:
    routes = [f"cloud:{name}" if has else "" for name, has in zip(LAYERS, given, strict=True)]
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
    result = resolve_overrides(turn, HOUSE)
    first = next((number for number, has in enumerate(given) if has), None)
    assert result.route == (None if first is None else Route.parse(routes[first]))
    filled = build_prompt(result, HOUSE, "en").options
    assert filled.temperature == (SETTINGS.llm.temperature if first is None else first / 10)
    assert filled.max_tokens == (SETTINGS.llm.max_tokens if first is None else first + 1)
    assert filled.repetition_penalty == SETTINGS.llm.repetition_penalty


@pytest.mark.parametrize("mode", ["", "gone", "off", MAIN_MENU])
def test_without_a_mode_the_bot_speaks_for_itself(mode: str) -> None:
    shop = bot(
        system_prompt="Own",
        action_buttons=[
            {"id": "off", "label": "Off", "enabled": False, "system_prompt": "Off"},
            {"id": MAIN_MENU, "label": "Menu", "system_prompt": "Menu"},
        ],
    )
    assert shop.overrides(mode) == (Overrides("Own"),)


def test_a_widget_says_how_to_answer() -> None:
    widget = WidgetSpec(
        id="w", name="W", route="local", persona_id="anna", system_prompt="Brief.", llm_params=Sampling(top_p=0.4)
    )
    assert widget.own_overrides == Overrides("Brief.", "anna", Route.parse("local"), GenerationOptions(top_p=0.4))


def test_options_are_merged_field_by_field_and_zero_is_a_value() -> None:
    got = merge_options(
        (GenerationOptions(temperature=0.0), GenerationOptions(temperature=1.0, top_p=0.5, stop=("a",)))
    )
    assert got == GenerationOptions(temperature=0.0, top_p=0.5, stop=("a",))


def test_a_persona_that_is_gone_says_nothing() -> None:
    turn = replace(user_turn("hi"), overrides=(Overrides(persona_id="gone"), Overrides(system_prompt="of the bot")))
    assert build_prompt(resolve_overrides(turn, HOUSE), HOUSE, "en").messages[0].content == "of the bot"


async def test_a_route_of_the_session_is_never_silently_another() -> None:
    from deployments.contracts.errors import ModelNotFound

    stage = await AssistantHarness().start()
    turn = replace(user_turn("hi"), overrides=(Overrides(route=Route.parse("cloud:nobody")),))
    with pytest.raises(ModelNotFound):
        stage.assistant.reply(turn)
