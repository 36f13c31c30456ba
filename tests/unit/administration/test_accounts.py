import asyncio
from typing import Literal

import pytest
from argon2 import PasswordHasher

from deployments.administration.auth.accounts import Account, Accounts
from deployments.administration.auth.client_addresses import network_of
from deployments.administration.auth.failure_limiter import FailureLimiter
from deployments.administration.auth.known_networks import KnownNetworks
from deployments.administration.auth.lockout import Lockout
from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import InvalidRequest, NotFound, RateLimited, SecretaryError, Unauthorized
from tests.data_folders import fast_passwords
from tests.unit.administration.conftest import PASSWORD, audited
from tests.unit.administration.manual_clock import ManualClock


def accounts_of(office: OfficeServices, passwords: PasswordHashing, **windows: FailureLimiter) -> Accounts:
    return Accounts(office.database, passwords, Lockout(KnownNetworks(office.database), **windows))


async def _login_result(office: OfficeServices, username: str, password: str, address: str = "::1") -> str:
    try:
        await office.accounts.authenticate(username, password, address)
    except SecretaryError as error:
        return error.code
    return "welcome"


async def test_login_is_audited(office: OfficeServices) -> None:
    assert await office.accounts.authenticate(" Admin ", PASSWORD, "::1") == Account("admin", "admin")
    assert (await audited(office))[0] == ("admin", "login", "auth")


async def test_login_failures_are_indistinguishable(office: OfficeServices) -> None:
    refusals = []
    for username in ("admin", "hunter2"):
        with pytest.raises(Unauthorized) as caught:
            await office.accounts.authenticate(username, "wrong", "::1")
        refusals.append(caught.value.message)
    assert len(set(refusals)) == 1
    events = await audited(office)
    assert events[:2] == [("(unknown)", "login_failed", "auth"), ("admin", "login_failed", "auth")]


class CountingHasher(PasswordHasher):
    """Counts verifications."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified.append(str(hash))
        return super().verify(hash, password)


async def test_login_unknown_name_costs_one_verification(office: OfficeServices) -> None:
    hasher = CountingHasher()
    passwords = PasswordHashing(hasher)
    await passwords.start()
    accounts = accounts_of(office, passwords)
    for username in ("admin", "nobody"):
        with pytest.raises(Unauthorized):
            await accounts.authenticate(username, "wrong", "::1")
    passwords.close()
    known, unknown = hasher.verified
    assert known != unknown
    assert known.split("$")[:4] == unknown.split("$")[:4]


async def test_login_locked_after_five_failures(office: OfficeServices) -> None:
    assert [await _login_result(office, "admin", "wrong") for _ in range(5)] == ["invalid_api_key"] * 5
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("ADMIN", PASSWORD, "::1")
    assert caught.value.retry_after_s is not None
    assert 1 <= caught.value.retry_after_s <= 300
    assert await _login_result(office, "admin", PASSWORD, "10.0.0.7") == "welcome"


async def test_login_parallel_attempts_respect_limit(office: OfficeServices) -> None:
    outcomes = await asyncio.gather(*(_login_result(office, "admin", "wrong") for _ in range(12)))
    assert outcomes.count("invalid_api_key") == 5
    assert outcomes.count("rate_limit_exceeded") == 7


async def test_login_success_resets_failures(office: OfficeServices) -> None:
    for _ in range(2):
        assert [await _login_result(office, "admin", "wrong") for _ in range(4)] == ["invalid_api_key"] * 4
        assert await _login_result(office, "admin", PASSWORD) == "welcome"


async def test_login_lock_expires(office: OfficeServices) -> None:
    clock = ManualClock()
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_address=FailureLimiter(clock=clock))
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await accounts.authenticate("admin", "wrong", "::1")
    clock.now = 299
    with pytest.raises(RateLimited):
        await accounts.authenticate("admin", PASSWORD, "::1")
    clock.now = 301
    assert (await accounts.authenticate("admin", PASSWORD, "::1")).username == "admin"


def test_limiter_bounds_key_count() -> None:
    attempts = FailureLimiter(limit=1)
    for number in range(20_050):
        attempts.count_failure(str(number))
    with pytest.raises(RateLimited):
        attempts.count_failure("20049")
    assert attempts.key_count <= 10_000


def test_limiter_keeps_blocked_keys() -> None:
    attempts = FailureLimiter(limit=2)
    for name in ("anna", "anna", *map(str, range(20_000))):
        attempts.count_failure(name)
    with pytest.raises(RateLimited):
        attempts.count_failure("anna")
    assert attempts.key_count <= 10_000


def test_limiter_uncounts_and_expires() -> None:
    clock = ManualClock()
    attempts = FailureLimiter(limit=2, window_s=10, clock=clock)
    for name in ("anna", "anna", "boris"):
        attempts.count_failure(name)
    attempts.uncount_last("anna")
    attempts.uncount_last("boris")
    assert attempts.key_count == 1
    assert attempts.count_failure("anna") == 0
    with pytest.raises(RateLimited):
        attempts.count_failure("anna")
    clock.now = 10
    attempts.count_failure("boris")
    assert attempts.key_count == 1


async def _fail_logins(office: OfficeServices, count: int, address: str = "10.0.0.7") -> list[str]:
    """Results of ``count`` wrong passwords, each for another name."""
    return [await _login_result(office, f"name{n}", "wrong", address) for n in range(count)]


async def test_login_address_locked_after_thirty_failures(office: OfficeServices) -> None:
    assert await _fail_logins(office, 30) == ["invalid_api_key"] * 30
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("admin", PASSWORD, "10.0.0.7")
    assert caught.value.retry_after_s is not None
    assert 300 < caught.value.retry_after_s <= 900
    assert await _login_result(office, "admin", PASSWORD, "10.0.0.8") == "welcome"


async def test_login_exhausted_limit_is_audited_once(office: OfficeServices) -> None:
    await _fail_logins(office, 40)
    async with office.database.unit_of_work() as work:
        details = [event.detail for event in await work.audit.newest(60) if event.detail]
    assert details.count("no more attempts from this network for 900 s") == 1


async def test_login_success_keeps_network_failures(office: OfficeServices) -> None:
    assert await _fail_logins(office, 29) == ["invalid_api_key"] * 29
    for _ in range(3):
        assert await _login_result(office, "admin", PASSWORD, "10.0.0.7") == "welcome"
    assert await _fail_logins(office, 2) == ["invalid_api_key", "rate_limit_exceeded"]


async def test_login_locked_name_keeps_network_open(office: OfficeServices) -> None:
    outcomes = [await _login_result(office, "admin", "wrong") for _ in range(40)]
    assert outcomes == ["invalid_api_key"] * 5 + ["rate_limit_exceeded"] * 35
    assert await _login_result(office, "somebody", "wrong") == "invalid_api_key"


async def test_login_network_lock_expires(office: OfficeServices) -> None:
    clock = ManualClock()
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_network=FailureLimiter(2, 900, clock))
    for name in ("a", "b"):
        with pytest.raises(Unauthorized):
            await accounts.authenticate(name, "wrong", "::1")
    clock.now = 899
    with pytest.raises(RateLimited):
        await accounts.authenticate("admin", PASSWORD, "::1")
    clock.now = 901
    assert (await accounts.authenticate("admin", PASSWORD, "::1")).username == "admin"


async def _fail_logins_from_networks(accounts: Accounts, name: str, count: int) -> None:
    """Sends ``count`` wrong passwords, each from another address."""
    for number in range(count):
        with pytest.raises(Unauthorized):
            await accounts.authenticate(name, "wrong", f"192.0.{number // 200}.{number % 200}")


async def test_login_name_lock_spares_known_networks(office: OfficeServices) -> None:
    assert await _login_result(office, "admin", PASSWORD, "2001:db8:1:2::7") == "welcome"
    await _fail_logins_from_networks(office.accounts, "admin", 50)
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("Admin", PASSWORD, "10.0.0.7")
    assert caught.value.retry_after_s is not None
    assert 800 < caught.value.retry_after_s <= 900
    assert await _login_result(office, "admin", PASSWORD, "2001:db8:1:2::8") == "welcome", (
        "the /64 of an earlier sign-in"
    )
    assert await _login_result(office, "admin", PASSWORD, "10.0.0.7") == "rate_limit_exceeded"
    assert await _login_result(office, "somebody", "wrong", "10.0.0.7") == "invalid_api_key"
    async with office.database.unit_of_work() as work:
        details = {event.detail for event in await work.audit.newest(60)}
    assert "no more attempts from new networks for 900 s" in details


async def test_login_name_lock_covers_unknown_names(office: OfficeServices) -> None:
    await _fail_logins_from_networks(office.accounts, "nobody", 50)
    assert await _login_result(office, "nobody", "wrong", "10.0.0.7") == "rate_limit_exceeded"


async def test_login_known_network_survives_restart(office: OfficeServices) -> None:
    assert await _login_result(office, "admin", PASSWORD, "10.0.0.7") == "welcome"
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_name=FailureLimiter(3, 900))
    await _fail_logins_from_networks(accounts, "admin", 3)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await accounts.authenticate("admin", "wrong", "10.0.0.7")
    with pytest.raises(RateLimited):
        await accounts.authenticate("admin", PASSWORD, "10.0.0.7")


async def test_login_name_lock_expires(office: OfficeServices) -> None:
    clock = ManualClock()
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_name=FailureLimiter(3, 900, clock))
    await _fail_logins_from_networks(accounts, "admin", 3)
    clock.now = 899
    for _ in range(8):
        with pytest.raises(RateLimited):
            await accounts.authenticate("admin", PASSWORD, "10.0.0.7")
    clock.now = 901
    assert (await accounts.authenticate("admin", PASSWORD, "10.0.0.7")).username == "admin"
    await _fail_logins_from_networks(accounts, "admin", 3)
    assert (await accounts.authenticate("admin", PASSWORD, "10.0.0.7")).username == "admin"


@pytest.mark.parametrize(
    ("address", "net"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_network_of_ipv6_is_its_64(address: str, net: str) -> None:
    assert network_of(address) == net


async def test_password_change_replaces_old(office: OfficeServices) -> None:
    await office.accounts.change_password("admin", PASSWORD, "another horse")
    assert await _login_result(office, "admin", PASSWORD) == "invalid_api_key"
    assert await office.accounts.authenticate("admin", "another horse", "::1") == Account("admin", "admin", False)
    assert ("admin", "change_password", "auth") in await audited(office)


@pytest.mark.parametrize("new", ["short", "a" * 1001, PASSWORD])
async def test_password_change_rejects_weak_or_same(office: OfficeServices, new: str) -> None:
    with pytest.raises(InvalidRequest):
        await office.accounts.change_password("admin", PASSWORD, new)
    assert await _login_result(office, "admin", PASSWORD) == "welcome"


async def test_password_change_failures_are_limited(office: OfficeServices) -> None:
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await office.accounts.change_password("admin", "wrong", "another horse")
    with pytest.raises(RateLimited):
        await office.accounts.change_password("admin", PASSWORD, "another horse")


@pytest.mark.both_databases
async def test_login_invalid_names_share_limit(office: OfficeServices) -> None:
    names = ["a" * 201, "a" * 16_000, "ß" * 150, "admin\0", "\0"]
    assert [await _login_result(office, name, PASSWORD) for name in names] == ["invalid_api_key"] * 5
    assert (await audited(office))[:5] == [("(unknown)", "login_failed", "auth")] * 5
    assert await _login_result(office, "b" * 1_000, PASSWORD) == "rate_limit_exceeded"
    assert await _login_result(office, "admin", PASSWORD) == "welcome"


async def test_account_can_be_read_again(office: OfficeServices) -> None:
    assert await office.accounts.get("admin") == Account("admin", "admin")
    with pytest.raises(NotFound):
        await office.accounts.get("nobody")
