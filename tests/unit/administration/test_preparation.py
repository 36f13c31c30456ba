"""Preparation of an installation: credentials, seed data and values of the environment."""

import logging
import stat
from pathlib import Path

import pytest

from deployments.administration.office import composition
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.preparation import FirstCredentials
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from storage.environment import Environment
from storage.secrets import key_digest
from tests.data_folders import fast_passwords
from tests.unit.administration.conftest import API_KEY, PASSWORD, EnvironmentOf

TOKEN = "123456:AAtelegram-token_of-a-test"


async def open_office(environment: Environment) -> OfficeServices:
    return await composition.open_office(environment, passwords=fast_passwords(), database_timeout_s=0.2)


async def prepare(environment: Environment) -> FirstCredentials | None:
    return await composition.prepare_installation(environment, passwords=fast_passwords(), database_timeout_s=0.2)


async def _opens(environment: Environment, password: str) -> bool:
    office = await open_office(environment)
    try:
        await office.accounts.authenticate("admin", password, "::1")
    except SecretaryError:
        return False
    finally:
        await office.close()
    return True


async def _digests(environment: Environment) -> set[str]:
    office = await open_office(environment)
    await office.close()
    return {key.digest for key in office.publisher.current.api_keys}


async def test_generated_credentials_are_returned_once(environment_of: EnvironmentOf) -> None:
    environment = environment_of()
    first = await prepare(environment)
    assert first is not None
    assert first.admin_password
    assert first.api_key
    assert await prepare(environment) is None
    office = await open_office(environment)
    account = await office.accounts.authenticate("admin", first.admin_password, "::1")
    assert account.must_change_password
    assert [key.digest for key in office.publisher.current.api_keys] == [key_digest(first.api_key)]
    await office.accounts.change_password("admin", first.admin_password, "a new password")
    assert not (await office.accounts.get("admin")).must_change_password
    await office.close()
    assert await _opens(environment, "a new password")


async def test_environment_credentials_are_used(environment: Environment) -> None:
    assert await prepare(environment) is None
    assert await _opens(environment, PASSWORD)
    assert await _digests(environment) == {key_digest(API_KEY)}


async def test_office_writes_credentials_to_private_file(
    environment_of: EnvironmentOf,
) -> None:
    environment = environment_of()
    office = await open_office(environment)
    path = environment.data / "first-credentials.txt"
    password = path.read_text().split("panel password: ")[1].split()[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (await office.accounts.authenticate("admin", password, "::1")).must_change_password
    await office.close()


async def test_environment_password_is_applied_once(
    environment_of: EnvironmentOf,
) -> None:
    await prepare(environment_of(admin_password="first password"))
    second = environment_of(admin_password="second password")
    assert not await _opens(second, "first password")
    assert await _opens(second, "second password")
    office = await open_office(second)
    await office.accounts.change_password("admin", "second password", "chosen in the panel")
    await office.close()
    assert await _opens(second, "chosen in the panel")
    assert not await _opens(second, "second password")


async def test_environment_password_replaces_generated(environment_of: EnvironmentOf) -> None:
    await prepare(environment_of())
    assert await _opens(environment_of(admin_password="forgot the other"), "forgot the other")


async def test_environment_key_is_added_revoked_stays(
    environment_of: EnvironmentOf,
) -> None:
    one, two = environment_of(api_key="sk-sec-" + "1" * 40), environment_of(api_key="sk-sec-" + "2" * 40)
    await prepare(one)
    assert len(await _digests(two)) == 2
    office = await open_office(two)
    for key in await office.keys.list():
        await office.keys.revoke(key.id, "admin")
    await office.close()
    assert await _digests(two) == set()
    assert await prepare(environment_of()) is None


async def test_seed_is_added_once(environment: Environment) -> None:
    office = await open_office(environment)
    entries = (await office.faq.list(limit=1000)).entries
    assert len(entries) >= 24
    await office.faq.delete(entries[0].id, "admin")
    await office.personas.delete("marina", "admin")
    await office.close()
    office = await open_office(environment)
    assert (await office.faq.list(limit=1000)).total == len(entries) - 1
    assert [persona.id for persona in await office.personas.list()] == ["anna", "gulya", "lidia"]
    await office.close()


async def test_prepare_again_changes_nothing(environment: Environment) -> None:
    await prepare(environment)
    office = await open_office(environment)
    revision = office.publisher.current.revision
    await office.close()
    for _ in range(2):
        await prepare(environment)
    office = await open_office(environment)
    assert office.publisher.current.revision == revision == 1
    await office.close()


async def test_environment_token_creates_first_bot_only(environment_of: EnvironmentOf) -> None:
    environment = environment_of(telegram_token=TOKEN, telegram_api_url="http://127.0.0.1:8081")
    for _ in range(2):
        office = await open_office(environment)
        (bot,) = await office.bots.list()
        await office.close()
        assert (bot.id, bot.api_url, office.bots.unseal_token(bot)) == ("default", "http://127.0.0.1:8081", TOKEN)
        assert office.publisher.current.settings.outbound.allowed_hosts == ("127.0.0.1:8081",)


@pytest.mark.parametrize("values", [{"telegram_token": "hunter2"}, {"telegram_token": TOKEN, "secret_key": "hunter2"}])
async def test_invalid_environment_value_is_not_shown(environment_of: EnvironmentOf, values: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await prepare(environment_of(**values))
    assert "hunter2" not in repr(caught.value)
    assert await prepare(environment_of()) is not None


async def test_prepare_beside_running_office_conflicts(environment: Environment) -> None:
    office = await open_office(environment)
    with pytest.raises(Conflict):
        await prepare(environment)
    await office.close()


async def test_data_folder_and_files_are_private(environment: Environment) -> None:
    await prepare(environment)
    assert stat.S_IMODE(environment.data.stat().st_mode) == 0o700
    assert environment.storage_secret_path.stat().st_size >= 32
    files = [path for path in environment.data.iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


async def test_secrets_reach_neither_disk_nor_log(
    environment_of: EnvironmentOf, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    environment = environment_of(admin_password=PASSWORD, api_key=API_KEY, telegram_token=TOKEN)
    office = await open_office(environment)
    _, plain = await office.keys.create("site", ("chat",), "admin")
    await office.accounts.change_password("admin", PASSWORD, "chosen in the panel")
    on_disk = b"".join(path.read_bytes() for path in environment.data.glob("secretary.*"))
    await office.close()
    on_disk += b"".join(path.read_bytes() for path in environment.data.glob("secretary.*"))
    for secret in (PASSWORD, API_KEY, TOKEN, plain, "chosen in the panel"):
        assert secret.encode() not in on_disk
        assert secret not in caplog.text
    assert "Магазин".encode() not in on_disk
    assert b"argon2id" in on_disk


def test_credentials_are_hidden_in_repr() -> None:
    assert "hunter2" not in repr(FirstCredentials("hunter2", "hunter2"))
