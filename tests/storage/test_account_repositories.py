"""Users, API keys, refresh tokens and consents in the database."""

from datetime import datetime, timedelta

import pytest

from deployments.contracts.api_key import ApiKey, KeyLimits
from storage.database import Database
from storage.repositories.consents import StoredConsent
from storage.repositories.keys import KeyChange
from storage.repositories.users import StoredUser
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.records import MOSCOW, NOW, add_refresh_token


@ON_BOTH_DATABASES
async def test_user_is_stored_replaced_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna = await work.users.add(StoredUser("anna", "h1", "viewer", must_change_password=True))
        await work.users.add(StoredUser("борис", "h2"))
        assert await work.users.get("anna") == StoredUser("anna", "h1", "viewer", must_change_password=True)
    async with database.unit_of_work() as work:
        replaced = await work.users.replace(StoredUser("anna", "h1", "operator", enabled=False))
        assert (replaced.id, replaced.role, replaced.enabled, replaced.version) == (anna.id, "operator", False, 2)
        await work.users.set_password("anna", "h3", must_change=True)
        stored = await work.users.get_by_id(anna.id)
        assert stored is not None
        assert (stored.password_hash, stored.must_change_password, stored.version) == ("h3", True, 3)
        assert [user.username for user in await work.users.all()] == ["anna", "борис"]
        await work.users.remove("anna")
        assert await work.users.count() == 1
        with pytest.raises(KeyError):
            await work.users.set_password("anna", "h4", must_change=False)


@ON_BOTH_DATABASES
async def test_key_is_changed_and_known_after_revocation(database: Database) -> None:
    expires_at = datetime(2030, 1, 1, tzinfo=MOSCOW)
    async with database.unit_of_work() as work:
        assert not await work.keys.any_known()
        first = await work.keys.add(
            ApiKey(id=0, name="a", prefix="sk-sec-a", digest="1" * 64, scopes=("chat",), expires_at=expires_at)
        )
        second = await work.keys.add(ApiKey(id=0, name="b", prefix="sk-sec-b", digest="2" * 64, scopes=("chat",)))
    async with database.unit_of_work() as work:
        changed = await work.keys.change(first.id, KeyChange(owner="shop", limits=KeyLimits(tokens_per_day=10**12)))
        assert (changed.name, changed.owner, changed.limits.tokens_per_day) == ("a", "shop", 10**12)
        assert changed.expires_at == expires_at
        assert await work.keys.revoke(second.id) is not None
        assert await work.keys.revoke(second.id) is None
        assert await work.keys.all_valid() == (changed,)
        assert await work.keys.ids() == (first.id, second.id)
        assert set(await work.keys.creation_times()) == {first.id}
        assert await work.keys.any_known()
        assert await work.keys.is_known("2" * 64)
        with pytest.raises(KeyError):
            await work.keys.change(second.id, KeyChange(name="c"))


@ON_BOTH_DATABASES
async def test_refresh_token_is_used_once_per_family(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna = await work.users.add(StoredUser("anna", "h", "viewer"))
        await add_refresh_token(work, "a1", "a", anna)
        await add_refresh_token(work, "b1", "b", anna, created_at=NOW + timedelta(seconds=1))
    async with database.unit_of_work() as work:
        assert await work.tokens.mark_used("a1", NOW)
        assert not await work.tokens.mark_used("a1", NOW)
        await add_refresh_token(work, "a2", "a", anna, created_at=NOW + timedelta(seconds=2))
        assert await work.tokens.families(anna.id) == ("b", "a")
        sign_ins = {each.family: (each.username, each.role) for each in await work.tokens.sign_ins(NOW)}
        assert sign_ins == {"a": ("anna", "viewer"), "b": ("anna", "viewer")}
        await work.tokens.remove_oldest("a", 1)
        assert await work.tokens.get("a1") is None
        newest = await work.tokens.newest("a")
        assert newest is not None
        assert newest.digest == "a2"
        assert await work.tokens.newest("nothing") is None
        await work.tokens.revoke_family("a", NOW)
        stored = await work.tokens.get("a2")
        assert stored is not None
        assert (stored.revoked_at, stored.address) == (NOW, "2001:db8::1")
        await work.tokens.revoke_user("anna", NOW)
        assert await work.tokens.sign_ins(NOW) == ()


async def test_refresh_tokens_are_removed_by_criteria(database: Database) -> None:
    async with database.unit_of_work() as work:
        anna, boris = [await work.users.add(StoredUser(name, "h")) for name in ("anna", "boris")]
        await add_refresh_token(work, "a1", "a", anna)
        await add_refresh_token(work, "b1", "b", anna, expires_at=NOW)
        await add_refresh_token(work, "c1", "c", boris)
        await work.tokens.remove_families(["a"])
        await work.tokens.remove_expired(NOW)
        assert await work.tokens.families(anna.id) == ()
        await work.users.remove("boris")
    async with database.unit_of_work() as work:
        assert await work.tokens.get("c1") is None


@ON_BOTH_DATABASES
async def test_consent_is_given_withdrawn_renamed_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.consents.add(StoredConsent("telegram", "-100:42", "recording", "shop", "Запись"))
        await work.consents.add(StoredConsent("admin", "42", "storage"))
        other = await work.consents.add(StoredConsent("phone", "142", "voice_clone"))
    async with database.unit_of_work() as work:
        withdrawn = await work.consents.withdraw(first.id)
        assert withdrawn is not None
        assert withdrawn.withdrawn_at is not None
        assert await work.consents.withdraw(10**6) is None
        assert len(await work.consents.of_person("42", None, None)) == 2
        assert await work.consents.of_person("42", "telegram", "shop") == (withdrawn,)
        assert [each.id for each in await work.consents.page(None, 1, 0)] == [other.id]
        await work.consents.rename_person("admin", "42", "42 (former)")
        assert await work.consents.page("42", 10, 0) == (withdrawn,)
        assert await work.consents.remove_of_person("42", None, None) == 1
        assert len(await work.consents.page(None, 10, 0)) == 2
