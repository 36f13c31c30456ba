from datetime import UTC, datetime, timedelta, timezone

import pytest

from deployments.contracts.chat import ChatMessage, SourceKind, TurnSource
from deployments.contracts.instances import ActionButton, BotSpec, WidgetSpec
from deployments.contracts.sampling import Sampling
from deployments.contracts.settings import ApiKey, Exchange, FaqEntry, FaqSettings, Persona, Settings
from storage.database import Database
from storage.models import SettingRow
from storage.models.base import JsonValue
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork

TELEGRAM = TurnSource(SourceKind.TELEGRAM, "shop")
SAMPLING = Sampling(temperature=0.0, max_tokens=9)
MOSCOW = timezone(timedelta(hours=3))


def exchange(turn_id: str, session_id: str | None = None, answer: str = "Да.") -> Exchange:
    return Exchange(
        turn_id=turn_id,
        session_id=session_id,
        source_kind="telegram",
        source_id="shop",
        question="Вы открыты?",
        answer=answer,
        route="local",
        created_at=datetime(2026, 5, 1, 15, tzinfo=MOSCOW),
    )


async def test_a_prepared_answer_comes_back_as_it_was_stored(database: Database) -> None:
    async with database.unit_of_work() as work:
        stored = await work.faq.add(
            FaqEntry(question="Ещё вопрос?", answer="Да", alternatives=("а что",), keywords=("прайс", "цена"))
        )
    async with database.unit_of_work() as work:
        assert await work.faq.get(stored.id) == stored
        assert (stored.alternatives, stored.keywords, stored.version) == (("а что",), ("прайс", "цена"), 1)


@pytest.mark.parametrize("query", ["ещё", "ЕЩЕ", "еще вопрос", "вопрос,  ещё!", "прайс", "ОТВЕТ", ""])
async def test_search_folds_case_yo_and_punctuation(database: Database, query: str) -> None:
    async with database.unit_of_work() as work:
        await work.faq.add(FaqEntry(question="Ещё вопрос?", answer="Ответ", keywords=("прайс",)))
        _, total = await work.faq.search(query, None, 10, 0)
    assert total == 1


@pytest.mark.parametrize("query", ["100_", "%", "другое", "вопрос другое"])
async def test_search_takes_wildcards_literally_and_wants_every_word(database: Database, query: str) -> None:
    async with database.unit_of_work() as work:
        await work.faq.add(FaqEntry(question="Вопрос 100", answer="Ответ"))
        _, total = await work.faq.search(query, None, 10, 0)
    assert total == (1 if query in ("100_", "%") else 0)


async def test_pages_do_not_overlap_and_count_everything(database: Database) -> None:
    async with database.unit_of_work() as work:
        for number in range(7):
            await work.faq.add(FaqEntry(question=f"Вопрос {number}", answer="Да"))
        await work.faq.add(FaqEntry(question="Question", answer="Yes", language="en"))
        pages = [await work.faq.search("", "ru", 3, offset) for offset in (0, 3, 6)]
    seen = [entry.id for entries, _ in pages for entry in entries]
    assert len(seen) == len(set(seen)) == 7
    assert {total for _, total in pages} == {7}


async def test_an_id_is_never_given_twice(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.faq.add(FaqEntry(question="Раз", answer="Да"))
        await work.faq.remove(first.id)
        second = await work.faq.add(FaqEntry(question="Два", answer="Да"))
    assert second.id != first.id


async def test_many_prepared_answers_are_stored_changed_and_deleted_as_single_ones_are(database: Database) -> None:
    entries = [FaqEntry(question=f"Ещё {n}?", answer="Да", keywords=("прайс", f"{n} ₽")) for n in range(1_100)]
    async with database.unit_of_work() as work:
        seen = await work.faq.add(FaqEntry(question="Раз", answer="Да"))
        await work.faq.remove(seen.id)
        await work.faq.add_all(entries)
        stored = await work.faq.all()
        await work.faq.add_hits({stored[0].id: 3})
    assert [entry.model_copy(update={"id": 0, "updated_at": None}) for entry in stored] == entries
    assert seen.id not in {entry.id for entry in stored}
    changes = [stored[n].model_copy(update={"answer": "Нет", "enabled": False, "version": 99}) for n in (0, 1)]
    async with database.unit_of_work() as work:
        await work.faq.replace_all([*changes, stored[0].model_copy(update={"id": 10_000_000, "question": "Нет её"})])
        await work.faq.remove_all([entry.id for entry in stored[2:]])
        await work.faq.add_all(())
        await work.faq.replace_all(())
    async with database.unit_of_work() as work:
        left = await work.faq.all()
        assert await work.faq.count() == len(left)
        found, _ = await work.faq.search("нет 0", None, 10, 0)
        assert await work.faq.all_enabled() == ()
    assert [(e.id, e.answer, e.enabled, e.version, e.hits) for e in left] == [
        (stored[0].id, "Нет", False, 2, 3),
        (stored[1].id, "Нет", False, 2, 0),
    ]
    assert [entry.id for entry in found] == [stored[0].id]
    assert all(
        after.updated_at and before.updated_at and after.updated_at > before.updated_at
        for before, after in zip(stored, left, strict=False)
    )


async def test_hits_add_up_and_ignore_strangers(database: Database) -> None:
    async with database.unit_of_work() as work:
        entry = await work.faq.add(FaqEntry(question="Раз", answer="Да"))
        await work.faq.add_hits({entry.id: 2, 999: 5})
    async with database.unit_of_work() as work:
        await work.faq.add_hits({entry.id: 3})
    async with database.unit_of_work() as work:
        kept = await work.faq.get(entry.id)
        assert kept is not None
        assert (kept.hits, kept.version) == (5, 1)


async def test_answers_in_force_are_the_enabled_ones_without_their_hits(database: Database) -> None:
    async with database.unit_of_work() as work:
        entry = await work.faq.add(FaqEntry(question="Раз", answer="Да", alternatives=("Один",), keywords=("1 раз",)))
        await work.faq.add(FaqEntry(question="Два", answer="Да", enabled=False))
        await work.faq.add_hits({entry.id: 2})
    async with database.unit_of_work() as work:
        stored = await work.faq.get(entry.id)
        assert stored is not None
        assert await work.faq.all_enabled() == (stored.model_copy(update={"hits": 0}),)


async def test_personas_bots_widgets_users_and_keys_come_back_as_stored(database: Database) -> None:
    persona = Persona(id="anna", name="Анна", prompts={"ru": "Ты Анна."}, voices={"ru": "irina"})
    button = ActionButton(id="brief", label="Кратко", icon="✂", order=2, route="local", llm_params=SAMPLING)
    bot = BotSpec(
        id="shop",
        name="Магазин",
        description="На Ленина",
        sealed_token="v1.x",
        allowed_users=(1, 2**40),
        admin_users=(2**40,),
        typing_enabled=False,
        route="cloud:x",
        system_prompt="Ты продавец.",
        llm_params=SAMPLING,
        tts_preset="warm",
        action_buttons=(button, button.model_copy(update={"id": "long", "enabled": False})),
    )
    widget = WidgetSpec(id="site", name="Сайт", allowed_domains=("example.org",), llm_params=SAMPLING)
    key = ApiKey(id=0, name="site", prefix="sk-", digest="a" * 64, expires_at=datetime(2030, 1, 1, tzinfo=MOSCOW))
    async with database.unit_of_work() as work:
        await work.personas.save(persona)
        await work.personas.save(persona.model_copy(update={"name": "Аня"}))
        await work.bots.save(bot)
        await work.widgets.save(widget)
        stored_key = await work.keys.add(key)
        await work.users.add(StoredUser("admin", "hash", must_change_password=True))
    async with database.unit_of_work() as work:
        assert await work.personas.all() == (persona.model_copy(update={"name": "Аня"}),)
        assert await work.bots.all() == (bot,)
        assert await work.widgets.all() == (widget,)
        assert await work.keys.all_valid() == (stored_key,)
        assert stored_key.expires_at == key.expires_at
        assert await work.users.get("admin") == StoredUser("admin", "hash", must_change_password=True)


async def test_a_revoked_key_is_known_but_not_valid(database: Database) -> None:
    async with database.unit_of_work() as work:
        key = await work.keys.add(ApiKey(id=0, name="site", prefix="sk-", digest="b" * 64))
        assert await work.keys.revoke(key.id) is not None
        assert await work.keys.revoke(key.id) is None
        assert await work.keys.all_valid() == ()
        assert await work.keys.is_known("b" * 64)


async def test_only_changed_settings_are_stored(database: Database) -> None:
    async with database.unit_of_work() as work:
        changed = await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 7)
        assert changed == ("faq",)
        assert await work.settings.last_changed_revision() == 7
        assert (await work.settings.get()).faq.ranked_threshold == 90
        assert await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 8) == ()
        assert await work.settings.last_changed_revision() == 7


@pytest.mark.parametrize(("name", "value"), [("from_the_future", 1), ("faq", {"ranked_threshold": 900}), ("llm", "x")])
async def test_a_setting_that_is_not_understood_stays_at_its_default(
    database: Database, name: str, value: JsonValue
) -> None:
    async with database.unit_of_work() as work:
        work.settings._session.add(SettingRow(name=name, value=value, revision=1))
        await work.settings._session.flush()
        assert await work.settings.get() == Settings()


async def _store(work: UnitOfWork, name: str, value: JsonValue) -> None:
    work.settings._session.add(SettingRow(name=name, value=value, revision=1))
    await work.settings._session.flush()


OF_ANOTHER_VERSION: tuple[tuple[str, dict[str, JsonValue], tuple[str, ...]], ...] = (
    ("privacy", {"audio_days": 0, "audit_days": 0, "exchanges_days": 0, "new": 1}, ("privacy.new",)),
    ("privacy", {"audio_days": 0, "audit_days": "never", "exchanges_days": 0}, ("privacy.audit_days",)),
    ("speech", {"speed": 2.0, "default_voices": {"ru": "anna", "en": 5}}, ("speech.default_voices.en",)),
    ("outbound", {"allowed_hosts": ["localhost:8000", 1, 2], "new": {}}, ("outbound.allowed_hosts", "outbound.new")),
)


@pytest.mark.parametrize(("name", "value", "left_out"), OF_ANOTHER_VERSION)
async def test_of_a_group_only_what_is_not_understood_is_left_out(
    database: Database, name: str, value: dict[str, JsonValue], left_out: tuple[str, ...]
) -> None:
    async with database.unit_of_work() as work:
        await _store(work, name, value)
        await _store(work, "llm", {"temperature": 0.1})
        settings = await work.settings.get()
        assert await work.settings.invalid_fields() == tuple(path for path in left_out if not path.endswith(".new"))
    understood = {key: given for key, given in value.items() if f"{name}.{key}" not in left_out}
    group = getattr(settings, name).model_dump()
    if name == "speech":
        understood["default_voices"] = {"ru": "anna"}
    assert {key: group[key] for key in understood} == understood
    assert settings.llm.temperature == 0.1


async def _stored(work: UnitOfWork, name: str) -> JsonValue:
    row = await work.settings._session.get(SettingRow, name)
    assert row is not None
    return row.value


async def test_a_change_keeps_what_another_version_stored_in_the_group(database: Database) -> None:
    async with database.unit_of_work() as work:
        await _store(work, "privacy", {"audio_days": 0, "audit_days": 50_000, "new": {"a": [1]}})
        before = await work.settings.get()
        privacy = before.privacy.model_copy(update={"exchanges_days": 7})
        assert await work.settings.save(before.model_copy(update={"privacy": privacy}), 2) == ("privacy",)
    async with database.unit_of_work() as work:
        assert (await work.settings.get()).privacy == privacy
        assert await work.settings.invalid_fields() == ("privacy.audit_days",)
        assert await _stored(work, "privacy") == {**privacy.model_dump(), "audit_days": 50_000, "new": {"a": [1]}}


@pytest.mark.parametrize("audit_days", [365, 400])
async def test_what_somebody_sets_replaces_a_value_that_cannot_be_taken(database: Database, audit_days: int) -> None:
    async with database.unit_of_work() as work:
        await _store(work, "privacy", {"audit_days": 50_000, "new": 1})
        before = await work.settings.get()
        assert before.privacy.audit_days == 365
        privacy = before.privacy.model_copy(update={"audit_days": audit_days})
        after = before.model_copy(update={"privacy": privacy})
        assert await work.settings.save(after, 2, [("privacy", "audit_days")]) == ("privacy",)
    async with database.unit_of_work() as work:
        assert await work.settings.invalid_fields() == ()
        assert await _stored(work, "privacy") == {**privacy.model_dump(), "new": 1}


async def test_an_exchange_is_stored_once_even_within_one_batch(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.exchanges.add_new((exchange("a"), exchange("b"), exchange("a")))
    async with database.unit_of_work() as work:
        second = await work.exchanges.add_new((exchange("b"), exchange("c")))
        stored = await work.exchanges.newest()
    assert [e.turn_id for e in first] == ["a", "b"]
    assert [e.turn_id for e in second] == ["c"]
    assert [e.turn_id for e in stored] == ["c", "b", "a"]
    assert stored[0].created_at == datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_more_exchanges_than_a_statement_has_room_for(database: Database) -> None:
    batch = tuple(exchange(f"turn {number}") for number in range(1200))
    async with database.unit_of_work() as work:
        assert len(await work.exchanges.add_new(batch)) == 1200
        assert await work.exchanges.add_new(batch) == ()


async def _told(work: UnitOfWork, session_id: str, limit: int = 10) -> list[ChatMessage]:
    return list(await work.messages.newest(session_id, limit))


async def test_messages_come_back_newest_part_oldest_first(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await work.sessions.begin(TELEGRAM, "42", "Иван")).id
        said = [exchange(str(number), session_id, f"Ответ {number}") for number in range(3)]
        await work.messages.append(session_id, said[:1])
        await work.messages.append(session_id, said[1:])
        newest = await _told(work, session_id, 3)
    assert [m.content for m in newest] == ["Ответ 1", "Вы открыты?", "Ответ 2"]
    assert [m.role for m in newest] == ["assistant", "user", "assistant"]


async def test_an_answer_that_never_came_is_no_message(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await work.sessions.begin(TELEGRAM, "42", "")).id
        await work.messages.append(session_id, [exchange("1", session_id, "")])
        assert [m.role for m in await _told(work, session_id)] == ["user"]


async def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone"):
        async with database.unit_of_work() as work:
            await work.audit.add(AuditEvent("a", "b", "c", at=datetime(2026, 1, 1)))
