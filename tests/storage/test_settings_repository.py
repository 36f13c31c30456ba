import pytest

from deployments.contracts.settings import FaqSettings, Settings
from storage.database import Database
from storage.models import SettingRow
from storage.models.base import JsonValue
from storage.unit_of_work import UnitOfWork
from tests.storage.database_urls import ON_BOTH_DATABASES


async def _store(work: UnitOfWork, name: str, value: JsonValue) -> None:
    work.settings._session.add(SettingRow(name=name, value=value, revision=1))
    await work.settings._session.flush()


async def _stored(work: UnitOfWork, name: str) -> JsonValue:
    row = await work.settings._session.get(SettingRow, name)
    assert row is not None
    return row.value


@ON_BOTH_DATABASES
async def test_save_stores_changed_fields_only(database: Database) -> None:
    async with database.unit_of_work() as work:
        assert await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 7) == ("faq",)
        assert await work.settings.last_changed_revision() == 7
        assert (await work.settings.get()).faq.ranked_threshold == 90
        assert await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 8) == ()
        assert await work.settings.last_changed_revision() == 7


@pytest.mark.parametrize(("name", "value"), [("from_the_future", 1), ("faq", {"ranked_threshold": 900}), ("llm", "x")])
async def test_unaccepted_setting_gets_its_default(database: Database, name: str, value: JsonValue) -> None:
    async with database.unit_of_work() as work:
        await _store(work, name, value)
        assert await work.settings.get() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "ignored"),
    [
        ("privacy", {"audio_days": 0, "audit_days": 0, "exchanges_days": 0, "new": 1}, ("privacy.new",)),
        ("privacy", {"audio_days": 0, "audit_days": "never", "exchanges_days": 0}, ("privacy.audit_days",)),
        ("speech", {"speed": 2.0, "default_voices": {"ru": "anna", "en": 5}}, ("speech.default_voices.en",)),
        (
            "outbound",
            {"allowed_hosts": ["localhost:8000", 1, 2], "new": {}},
            ("outbound.allowed_hosts", "outbound.new"),
        ),
    ],
)
async def test_group_ignores_only_unaccepted_fields(
    database: Database, name: str, value: dict[str, JsonValue], ignored: tuple[str, ...]
) -> None:
    async with database.unit_of_work() as work:
        await _store(work, name, value)
        await _store(work, "llm", {"temperature": 0.1})
        settings = await work.settings.get()
        assert await work.settings.invalid_fields() == tuple(path for path in ignored if not path.endswith(".new"))
    accepted = {key: given for key, given in value.items() if f"{name}.{key}" not in ignored}
    if name == "speech":
        accepted["default_voices"] = {"ru": "anna"}
    group = getattr(settings, name).model_dump()
    assert {key: group[key] for key in accepted} == accepted
    assert settings.llm.temperature == 0.1


async def test_save_keeps_values_of_another_version(database: Database) -> None:
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
async def test_save_replaces_an_explicit_invalid_value(database: Database, audit_days: int) -> None:
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


@ON_BOTH_DATABASES
async def test_facts_are_overwritten_and_revisions_increase(database: Database) -> None:
    async with database.unit_of_work() as work:
        before = await work.revisions.current()
        assert await work.installation.get("seeded") is None
        await work.installation.put("seeded", "1")
        assert await work.revisions.next() == before + 1
    async with database.unit_of_work() as work:
        await work.installation.put("seeded", "2")
        assert (await work.installation.get("seeded"), await work.revisions.current()) == ("2", before + 1)
