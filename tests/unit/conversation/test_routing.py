"""Who decides: every combination of turn, session, instance and settings."""

import itertools
from dataclasses import replace

import pytest

from deployments.contracts.chat import GenerationOptions, Overrides, Route
from deployments.contracts.settings import Persona, Snapshot
from deployments.conversation.prompt import build_prompt
from deployments.conversation.routing import merged, settled
from tests.unit.conversation.stage import SNAPSHOT, Stage, ask

LAYERS = ("turn", "session", "instance")
PERSONAS = tuple(Persona(id=name, name=name, prompts={"en": f"persona of {name}"}) for name in ("default", *LAYERS))
SETTINGS = SNAPSHOT.settings.model_copy(update={"default_persona": "default"})
HOUSE = Snapshot(settings=SETTINGS, personas=PERSONAS)

SAYS = ("nothing", "prompt", "persona", "both")
TABLE = [dict(zip(LAYERS, says, strict=True)) for says in itertools.product(SAYS, repeat=3)]


def layer(name: str, says: str) -> Overrides:
    return Overrides(
        system_prompt=f"prompt of {name}" if says in ("prompt", "both") else None,
        persona_id=name if says in ("persona", "both") else None,
    )


@pytest.mark.parametrize("says", TABLE, ids=lambda says: "-".join(says.values()))
def test_the_prompt_and_the_persona_are_of_the_first_that_names_one(says: dict[str, str]) -> None:
    own = layer("turn", says["turn"])
    turn = replace(
        ask("hi"),
        system_prompt=own.system_prompt,
        persona_id=own.persona_id,
        overrides=(layer("session", says["session"]), layer("instance", says["instance"])),
    )
    result = settled(turn, HOUSE)

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


@pytest.mark.parametrize("given", list(itertools.product((False, True), repeat=3)))
def test_each_option_and_the_route_are_of_the_first_that_has_them(given: tuple[bool, bool, bool]) -> None:
    routes = [Route.parse(f"cloud:{name}") if has else None for name, has in zip(LAYERS, given, strict=True)]
    options = [
        GenerationOptions(temperature=number / 10, max_tokens=number + 1) if has else GenerationOptions()
        for number, has in enumerate(given)
    ]
    layers = [Overrides(route=route, options=option) for route, option in zip(routes, options, strict=True)]
    turn = replace(ask("hi"), route=routes[0], options=options[0], overrides=tuple(layers[1:]))
    result = settled(turn, HOUSE)
    first = next((number for number, has in enumerate(given) if has), None)
    assert result.route == (None if first is None else routes[first])
    filled = build_prompt(result, HOUSE, "en").options
    assert filled.temperature == (SETTINGS.llm.temperature if first is None else first / 10)
    assert filled.max_tokens == (SETTINGS.llm.max_tokens if first is None else first + 1)
    assert filled.repetition_penalty == SETTINGS.llm.repetition_penalty


def test_options_are_merged_field_by_field_and_zero_is_a_value() -> None:
    got = merged((GenerationOptions(temperature=0.0), GenerationOptions(temperature=1.0, top_p=0.5, stop=("a",))))
    assert got == GenerationOptions(temperature=0.0, top_p=0.5, stop=("a",))


def test_a_persona_that_is_gone_says_nothing() -> None:
    turn = replace(ask("hi"), overrides=(Overrides(persona_id="gone"), Overrides(system_prompt="of the bot")))
    assert build_prompt(settled(turn, HOUSE), HOUSE, "en").messages[0].content == "of the bot"


async def test_a_route_of_the_session_is_never_silently_another() -> None:
    from deployments.contracts.errors import ModelNotFound

    stage = await Stage().start()
    turn = replace(ask("hi"), overrides=(Overrides(route=Route.parse("cloud:nobody")),))
    with pytest.raises(ModelNotFound):
        stage.secretary.reply(turn)
