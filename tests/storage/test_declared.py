"""What people declare, through its repositories: it comes back as it was stored, is overwritten whole, and goes."""

import pytest

from deployments.contracts.errors import Conflict
from deployments.contracts.instances import BotSpec, WidgetSpec
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.sampling import Sampling
from deployments.contracts.settings import ApiKey, FaqEntry, KeyLimits, Persona, Preset, PresetParams, VoiceSettings
from storage.database import Database
from storage.repositories.keys import KeyChange
from storage.repositories.users import StoredUser

PRESETS = (
    Preset(name="slow", display_name="Медленно", params=PresetParams(speed=0.8), version=2),
    Preset(name="calm", display_name="Спокойно"),
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
WIDGETS = (
    WidgetSpec(id="site", name="Сайт", allowed_domains=("example.org", "xn--e1afmkfd.xn--p1ai"), position="left"),
    WidgetSpec(id="bare", name="Без ничего", enabled=False),
)


async def test_chains_are_stored_overwritten_and_removed(database: Database) -> None:
    cheap, best = RouteChain(name="cheap", routes=("local", "cloud:a")), RouteChain(name="best", routes=("cloud:a",))
    async with database.unit_of_work() as work:
        await work.chains.save(cheap)
        await work.chains.save(best)
    changed = cheap.model_copy(update={"routes": ("local",), "enabled": False, "description": "Даром", "version": 2})
    async with database.unit_of_work() as work:
        await work.chains.save(changed)
        assert await work.chains.all() == (best, changed)
        assert await work.chains.get("cheap") == changed
        await work.chains.remove("cheap")
        assert await work.chains.get("cheap") is None


async def test_presets_are_stored_overwritten_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for preset in PRESETS:
            await work.presets.save(preset)
    slower = PRESETS[0].model_copy(update={"params": PresetParams(speed=0.5, top_k=7), "version": 3})
    async with database.unit_of_work() as work:
        await work.presets.save(slower)
        assert {each.name: each for each in await work.presets.all()} == {"slow": slower, "calm": PRESETS[1]}
        assert await work.presets.get("slow") == slower
        await work.presets.remove("slow")
        assert await work.presets.get("slow") is None


async def test_providers_are_stored_overwritten_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for spec in (CLOUD, OTHER):
            await work.providers.save(spec)
    moved = CLOUD.model_copy(update={"base_url": "https://other.example.org", "sealed_api_key": "", "version": 2})
    async with database.unit_of_work() as work:
        await work.providers.save(moved)
        assert await work.providers.all() == (moved, OTHER)
        assert await work.providers.get("cloud") == moved
        await work.providers.remove("cloud")
        assert await work.providers.get("cloud") is None


async def test_two_providers_never_have_one_name(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.providers.save(CLOUD)
    with pytest.raises(Conflict):
        async with database.unit_of_work() as work:
            await work.providers.save(OTHER.model_copy(update={"name": CLOUD.name}))


async def test_voices_are_stored_overwritten_and_removed(database: Database) -> None:
    irina, boris = VoiceSettings(id="irina", name="Ирина", preset="calm"), VoiceSettings(id="boris", enabled=False)
    async with database.unit_of_work() as work:
        await work.voices.save(irina)
        await work.voices.save(boris)
    renamed = irina.model_copy(update={"name": "Ира", "description": "Тёплый", "version": 2})
    async with database.unit_of_work() as work:
        await work.voices.save(renamed)
        assert await work.voices.all() == (boris, renamed)
        assert await work.voices.get("irina") == renamed
        await work.voices.remove("irina")
        assert await work.voices.get("irina") is None


async def test_widgets_are_stored_overwritten_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        for spec in WIDGETS:
            await work.widgets.save(spec)
    opened = WIDGETS[1].model_copy(update={"enabled": True, "greeting": "Здравствуйте", "version": 2})
    async with database.unit_of_work() as work:
        await work.widgets.save(opened)
        assert await work.widgets.all() == (opened, WIDGETS[0])
        assert await work.widgets.get("bare") == opened
        await work.widgets.remove("bare")
        assert await work.widgets.get("bare") is None


async def test_bots_and_personas_are_stored_overwritten_and_removed(database: Database) -> None:
    bot, anna = BotSpec(id="shop", name="Магазин"), Persona(id="anna", name="Анна", prompts={"ru": "Ты Анна."})
    async with database.unit_of_work() as work:
        await work.bots.save(bot)
        await work.personas.save(anna)
    closed = bot.model_copy(update={"allowed_users": (42, 2**40), "version": 2})
    voiced = anna.model_copy(update={"voices": {"ru": "irina"}})
    async with database.unit_of_work() as work:
        await work.bots.save(closed)
        await work.personas.save(voiced)
        assert (await work.bots.get("shop"), await work.personas.get("anna")) == (closed, voiced)
        await work.bots.remove("shop")
        await work.personas.remove("anna")
        assert (await work.bots.get("shop"), await work.personas.get("anna")) == (None, None)


async def test_prepared_answers_are_found_replaced_and_counted(database: Database) -> None:
    async with database.unit_of_work() as work:
        russian = await work.faq.add(FaqEntry(question="Ещё вопрос?", answer="Да"))
        english = await work.faq.add(FaqEntry(question="Еще вопрос", answer="Yes", language="en", enabled=False))
        await work.faq.add_hits({russian.id: 3})
    async with database.unit_of_work() as work:
        assert await work.faq.find_id("ru", "еще  ВОПРОС") == russian.id
        assert [each.id for each in await work.faq.with_question("ещё вопрос")] == [russian.id, english.id]
        assert [each.id for each in await work.faq.all_enabled()] == [russian.id]
        assert [each.id for each in await work.faq.all()] == [russian.id, english.id]
        told = await work.faq.statistics(1)
        assert (told.total, told.enabled, told.hits, told.languages) == (2, 1, 3, {"en": 1, "ru": 1})
        assert [each.id for each in told.top] == [russian.id]
        replaced = await work.faq.replace(english.model_copy(update={"answer": "Yes.", "enabled": True}))
        assert (replaced.answer, replaced.version) == ("Yes.", english.version + 1)


async def test_keys_are_changed_and_remembered_after_they_were_revoked(database: Database) -> None:
    async with database.unit_of_work() as work:
        assert not await work.keys.any_known()
        first = await work.keys.add(ApiKey(id=0, name="a", prefix="sk-sec-a", digest="1" * 64, scopes=("chat",)))
        second = await work.keys.add(ApiKey(id=0, name="b", prefix="sk-sec-b", digest="2" * 64, scopes=("chat",)))
    async with database.unit_of_work() as work:
        changed = await work.keys.change(first.id, KeyChange(owner="shop", limits=KeyLimits(tokens_per_day=10**12)))
        assert (changed.name, changed.owner, changed.limits.tokens_per_day) == ("a", "shop", 10**12)
        await work.keys.revoke(second.id)
        assert await work.keys.all_valid() == (changed,)
        assert await work.keys.ids() == (first.id, second.id)
        assert set(await work.keys.creation_times()) == {first.id}
        assert await work.keys.any_known()
        with pytest.raises(KeyError):
            await work.keys.change(second.id, KeyChange(name="c"))


async def test_people_are_counted_replaced_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna = await work.users.add(StoredUser("anna", "h1", "viewer"))
        await work.users.add(StoredUser("борис", "h2"))
    async with database.unit_of_work() as work:
        raised = await work.users.replace(StoredUser("anna", "h1", "operator", enabled=False))
        assert (raised.id, raised.role, raised.enabled, raised.version) == (anna.id, "operator", False, 2)
        await work.users.set_password("anna", "h3", must_change=True)
        again = await work.users.get_by_id(anna.id)
        assert again is not None
        assert (again.password_hash, again.must_change_password, again.version) == ("h3", True, 3)
        assert [user.username for user in await work.users.all()] == ["anna", "борис"]
        await work.users.remove("anna")
        assert await work.users.count() == 1
        with pytest.raises(KeyError):
            await work.users.set_password("anna", "h4", must_change=False)


async def test_every_sealed_text_is_replaced_and_nothing_else(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.providers.save(CLOUD)
        await work.providers.save(OTHER)
        await work.bots.save(BotSpec(id="shop", name="Магазин", sealed_token="s1:token"))
    async with database.unit_of_work() as work:
        assert await work.sealed.replace_all(lambda text: text.replace("s1", "s2")) == 3
    sealed = {"sealed_api_key": "s2:key", "sealed_proxies": "s2:links"}
    async with database.unit_of_work() as work:
        assert await work.providers.all() == (CLOUD.model_copy(update=sealed), OTHER)
        bot = await work.bots.get("shop")
        assert bot is not None
        assert bot.sealed_token == "s2:token"


async def test_facts_and_revisions(database: Database) -> None:
    async with database.unit_of_work() as work:
        before = await work.revisions.current()
        assert await work.installation.get("seeded") is None
        await work.installation.put("seeded", "1")
        assert await work.revisions.next() == before + 1
    async with database.unit_of_work() as work:
        await work.installation.put("seeded", "2")
        assert (await work.installation.get("seeded"), await work.revisions.current()) == ("2", before + 1)
