"""API keys and settings: validation, audit and publication."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.settings import FaqSettings, Settings
from storage.secrets import key_digest
from tests.unit.administration.conftest import API_KEY

pytestmark = pytest.mark.both_databases(postgres="long")


async def test_key_is_stored_as_digest_and_published(office: OfficeServices) -> None:
    key, plain = await office.keys.create("site", ("chat",), "admin")
    assert key.digest == key_digest(plain)
    assert key in await office.keys.list()
    assert key in office.publisher.current.api_keys
    assert plain not in repr(key)


async def test_revoked_key_leaves_the_snapshot(office: OfficeServices) -> None:
    key, _ = await office.keys.create("site", ("chat",), "admin")
    await office.keys.revoke(key.id, "admin")
    assert key.id not in {each.id for each in office.publisher.current.api_keys}
    with pytest.raises(NotFound):
        await office.keys.revoke(key.id, "admin")
    assert key_digest(API_KEY) in {each.digest for each in office.publisher.current.api_keys}


async def test_key_invalid_field_is_rejected(office: OfficeServices) -> None:
    for name, scopes, expires_at in (
        ("", ("chat",), None),
        ("x" * 101, ("chat",), None),
        ("site", (), None),
        ("site", ("admin",), None),
        ("site", ("chat",), datetime.now(UTC) - timedelta(days=1)),
    ):
        with pytest.raises(InvalidRequest):
            await office.keys.create(name, scopes, "admin", expires_at)


async def test_settings_change_is_published_and_audited(office: OfficeServices) -> None:
    wanted = Settings(default_language="en", faq=FaqSettings(ranked_threshold=90))
    await office.settings.update(wanted, office.publisher.current.revision, "admin")
    assert await office.settings.get() == office.publisher.current.settings == wanted
    async with office.database.unit_of_work() as work:
        assert (await work.audit.newest(1))[
            0
        ].detail == 'default_language: "ru" → "en"; faq.ranked_threshold: 82.0 → 90.0'


async def test_settings_conflict_only_with_settings(office: OfficeServices) -> None:
    read_at = office.publisher.current.revision
    await office.keys.create("site", ("chat",), "admin")
    await office.settings.update(Settings(default_language="en"), read_at, "anna")
    with pytest.raises(Conflict):
        await office.settings.update(Settings(default_language="de"), read_at, "marina")
    assert (await office.settings.get()).default_language == "en"


async def test_settings_invalid_field_is_named(office: OfficeServices) -> None:
    for field, value in (
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", ""),
        ("default_route", "clod:x"),
        ("default_route", "local:gone"),
        ("default_route", ""),
        ("default_persona", "nobody"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            await office.settings.update(Settings.model_validate({field: value}), 1, "admin")
        assert caught.value.param == field
        assert await office.settings.get() == Settings()
