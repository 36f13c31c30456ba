"""Bots, widgets, providers, route chains, presets, personas and voice settings in the database."""

import pytest

from deployments.contracts.errors import Conflict
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.instances import ActionButton, BotSpec, WidgetSpec
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.sampling import Sampling
from deployments.contracts.voice_settings import Preset, PresetParams, Pronunciation, VoiceSettings
from storage.database import Database
from storage.repositories.sealed import sealed_columns
from tests.storage.database_urls import ON_BOTH_DATABASES

SAMPLING = Sampling(temperature=0.0, max_tokens=9)
BUTTON = ActionButton(id="brief", label="Кратко", icon="✂", order=2, route="local", llm_params=SAMPLING)
BOT = BotSpec(
    id="shop",
    name="Магазин",
    description="На Ленина",
    sealed_token="s1:token",
    allowed_users=(1, 2**40),
    admin_users=(2**40,),
    typing_enabled=False,
    route="cloud:x",
    system_prompt="Ты продавец.",
    llm_params=SAMPLING,
    tts_preset="warm",
    action_buttons=(BUTTON, BUTTON.model_copy(update={"id": "long", "enabled": False})),
)
CLOUD = ProviderSpec(
    id="cloud",
    name="Облако",
    provider_type="openai",
    model_name="large",
    params=Sampling(temperature=0.25),
    sealed_api_key="s1:key",
    key_hint="…cdef",
    key_origin="https://api.example.org",
    sealed_proxies="s1:links",
)
OTHER = ProviderSpec(id="other", name="Другое", provider_type="gemini", model_name="m", is_default=True)
SITE = WidgetSpec(id="site", name="Сайт", allowed_domains=("example.org", "xn--e1afmkfd.xn--p1ai"), llm_params=SAMPLING)

SPECS: dict[str, tuple[FrozenModel, FrozenModel, dict[str, object]]] = {
    "bots": (BOT, BotSpec(id="bare", name="Без токена"), {"allowed_users": (42,), "llm_params": Sampling()}),
    "widgets": (SITE, WidgetSpec(id="bare", name="Без ничего", enabled=False), {"greeting": "Здравствуйте"}),
    "providers": (CLOUD, OTHER, {"base_url": "https://other.example.org", "sealed_api_key": ""}),
    "chains": (
        RouteChain(name="cheap", routes=("local", "cloud:a")),
        RouteChain(name="best", routes=("cloud:a",)),
        {"routes": ("local",), "enabled": False, "description": "Даром"},
    ),
    "presets": (
        Preset(name="slow", display_name="Медленно", params=PresetParams(speed=0.8), version=2),
        Preset(name="calm", display_name="Спокойно"),
        {"params": PresetParams(speed=0.5, top_k=7)},
    ),
    "personas": (
        Persona(id="anna", name="Анна", prompts={"ru": "Ты Анна."}),
        Persona(id="boris", name="Борис", prompts={"en": "You are Boris."}),
        {"voices": {"ru": "irina"}},
    ),
    "voices": (
        VoiceSettings(
            id="irina", name="Ирина", preset="calm", pronunciations=(Pronunciation(word="SQL", spoken="эс кью эль"),)
        ),
        VoiceSettings(id="boris", enabled=False),
        {"name": "Ира", "description": "Тёплый"},
    ),
}
"""Attribute of the unit of work -> two models, and a change of the first."""


def _key(spec: FrozenModel) -> str:
    return str(getattr(spec, "id", None) or getattr(spec, "name", ""))


@ON_BOTH_DATABASES
@pytest.mark.parametrize("repository", SPECS)
async def test_spec_is_saved_overwritten_and_removed(database: Database, repository: str) -> None:
    first, second, change = SPECS[repository]
    async with database.unit_of_work() as work:
        specs = getattr(work, repository)
        await specs.save(first)
        await specs.save(second)
    changed = first.model_copy(update=change)
    async with database.unit_of_work() as work:
        specs = getattr(work, repository)
        assert await specs.get(_key(first)) == first
        await specs.save(changed)
    async with database.unit_of_work() as work:
        specs = getattr(work, repository)
        assert await specs.all() == tuple(sorted((changed, second), key=_key))
        await specs.remove(_key(first))
        assert await specs.get(_key(first)) is None
        assert await specs.all() == (second,)


@ON_BOTH_DATABASES
async def test_provider_with_a_taken_name_conflicts(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.providers.save(CLOUD)
    with pytest.raises(Conflict):
        async with database.unit_of_work() as work:
            await work.providers.save(OTHER.model_copy(update={"name": CLOUD.name}))


@ON_BOTH_DATABASES
async def test_replace_all_changes_sealed_texts_only(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.providers.save(CLOUD)
        await work.providers.save(OTHER)
        await work.bots.save(BOT)
    async with database.unit_of_work() as work:
        assert await work.sealed.replace_all(lambda text: text.replace("s1", "s2")) == 3
    sealed = {"sealed_api_key": "s2:key", "sealed_proxies": "s2:links"}
    async with database.unit_of_work() as work:
        assert await work.providers.all() == (CLOUD.model_copy(update=sealed), OTHER)
        assert await work.bots.all() == (BOT.model_copy(update={"sealed_token": "s2:token"}),)


def test_sealed_columns_are_found_by_prefix() -> None:
    assert {f"{table.name}.{column.name}" for table, column in sealed_columns()} == {
        "bot_instances.sealed_proxies",
        "bot_instances.sealed_token",
        "cloud_llm_providers.sealed_api_key",
        "cloud_llm_providers.sealed_proxies",
    }
