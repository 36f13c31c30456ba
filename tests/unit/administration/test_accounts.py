import asyncio
import time

import pytest

from deployments.administration.auth.accounts import Account, Accounts
from deployments.administration.auth.client_addresses import network_of
from deployments.administration.auth.failure_limiter import FailureLimiter
from deployments.administration.auth.known_networks import KnownNetworks
from deployments.administration.auth.lockout import Lockout
from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.contracts.errors import InvalidRequest, NotFound, RateLimited, SecretaryError, Unauthorized
from storage.environment import Environment
from tests.data_folders import fast_passwords
from tests.unit.administration.conftest import PASSWORD, audited


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def accounts_of(office: OfficeServices, passwords: PasswordHashing, **windows: FailureLimiter) -> Accounts:
    return Accounts(office.database, passwords, Lockout(KnownNetworks(office.database), **windows))


async def _outcome(office: OfficeServices, username: str, password: str, address: str = "::1") -> str:
    try:
        await office.accounts.authenticate(username, password, address)
    except SecretaryError as error:
        return error.code
    return "welcome"


async def test_the_right_password_opens_and_leaves_a_trace(office: OfficeServices) -> None:
    assert await office.accounts.authenticate(" Admin ", PASSWORD, "::1") == Account("admin", "admin")
    assert (await audited(office))[0] == ("admin", "login", "auth")


async def test_a_wrong_password_and_a_wrong_name_look_the_same_and_leave_a_trace(office: OfficeServices) -> None:
    refusals = []
    for username in ("admin", "hunter2"):
        with pytest.raises(Unauthorized) as caught:
            await office.accounts.authenticate(username, "wrong", "::1")
        refusals.append(caught.value.message)
    assert len(set(refusals)) == 1
    trail = await audited(office)
    assert trail[:2] == [("(unknown)", "login_failed", "auth"), ("admin", "login_failed", "auth")]


async def test_an_unknown_name_costs_as_much_time_as_a_known_one(environment: Environment) -> None:
    office = await open_office(environment)

    async def seconds(username: str) -> float:
        begun = time.perf_counter()
        await _outcome(office, username, "wrong", str(begun))
        return time.perf_counter() - begun

    known = sorted([await seconds("admin") for _ in range(5)])[2]
    unknown = sorted([await seconds(f"nobody{n}") for n in range(5)])[2]
    await office.close()
    assert 0.4 < unknown / known < 2.5


async def test_after_five_failures_even_the_right_password_has_to_wait(office: OfficeServices) -> None:
    assert [await _outcome(office, "admin", "wrong") for _ in range(5)] == ["invalid_api_key"] * 5
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("ADMIN", PASSWORD, "::1")
    assert caught.value.retry_after_s is not None
    assert 1 <= caught.value.retry_after_s <= 300
    assert await _outcome(office, "admin", PASSWORD, "10.0.0.7") == "welcome"


async def test_attempts_side_by_side_cannot_outrun_the_limit(office: OfficeServices) -> None:
    outcomes = await asyncio.gather(*(_outcome(office, "admin", "wrong") for _ in range(12)))
    assert outcomes.count("invalid_api_key") == 5
    assert outcomes.count("rate_limit_exceeded") == 7


async def test_a_success_forgets_the_failures(office: OfficeServices) -> None:
    for _ in range(2):
        assert [await _outcome(office, "admin", "wrong") for _ in range(4)] == ["invalid_api_key"] * 4
        assert await _outcome(office, "admin", PASSWORD) == "welcome"


async def test_the_lock_opens_after_five_minutes(office: OfficeServices) -> None:
    clock = Clock()
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


def test_attempts_of_very_many_keys_stay_bounded_and_keep_the_limit() -> None:
    attempts = FailureLimiter(limit=1)
    for number in range(20_050):
        attempts.count_failure(str(number))
    with pytest.raises(RateLimited):
        attempts.count_failure("20049")
    assert attempts.key_count <= 10_000


def test_very_many_other_keys_set_none_free_that_has_used_up_its_limit() -> None:
    attempts = FailureLimiter(limit=2)
    for name in ("anna", "anna", *map(str, range(20_000))):
        attempts.count_failure(name)
    with pytest.raises(RateLimited):
        attempts.count_failure("anna")
    assert attempts.key_count <= 10_000


def test_a_try_that_is_taken_back_is_free_again_and_what_is_over_is_not_kept() -> None:
    clock = Clock()
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


async def _guess(office: OfficeServices, count: int, address: str = "10.0.0.7") -> list[str]:
    """What ``count`` wrong passwords, each for another name, give."""
    return [await _outcome(office, f"name{n}", "wrong", address) for n in range(count)]


async def test_thirty_failures_shut_out_an_address_whatever_the_names(office: OfficeServices) -> None:
    assert await _guess(office, 30) == ["invalid_api_key"] * 30
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("admin", PASSWORD, "10.0.0.7")
    assert caught.value.retry_after_s is not None
    assert 300 < caught.value.retry_after_s <= 900
    assert await _outcome(office, "admin", PASSWORD, "10.0.0.8") == "welcome"


async def test_the_failure_that_uses_up_a_limit_is_noted_once(office: OfficeServices) -> None:
    await _guess(office, 40)
    async with office.database.unit_of_work() as work:
        details = [event.detail for event in await work.audit.newest(60) if event.detail]
    assert details.count("no more attempts from this network for 900 s") == 1


async def test_a_login_of_ones_own_does_not_give_an_address_more_guesses(office: OfficeServices) -> None:
    assert await _guess(office, 29) == ["invalid_api_key"] * 29
    for _ in range(3):
        assert await _outcome(office, "admin", PASSWORD, "10.0.0.7") == "welcome"
    assert await _guess(office, 2) == ["invalid_api_key", "rate_limit_exceeded"]


async def test_knocking_at_a_locked_account_does_not_shut_out_its_whole_address(office: OfficeServices) -> None:
    outcomes = [await _outcome(office, "admin", "wrong") for _ in range(40)]
    assert outcomes == ["invalid_api_key"] * 5 + ["rate_limit_exceeded"] * 35
    assert await _outcome(office, "somebody", "wrong") == "invalid_api_key"


async def test_an_address_is_let_in_again_after_its_quarter_of_an_hour(office: OfficeServices) -> None:
    clock = Clock()
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


async def _guess_from_everywhere(accounts: Accounts, name: str, count: int) -> None:
    """``count`` wrong passwords, each from an address of its own."""
    for number in range(count):
        with pytest.raises(Unauthorized):
            await accounts.authenticate(name, "wrong", f"192.0.{number // 200}.{number % 200}")


async def test_a_name_that_is_tried_from_everywhere_is_shut_for_strangers_only(office: OfficeServices) -> None:
    assert await _outcome(office, "admin", PASSWORD, "2001:db8:1:2::7") == "welcome"
    await _guess_from_everywhere(office.accounts, "admin", 50)
    with pytest.raises(RateLimited) as caught:
        await office.accounts.authenticate("Admin", PASSWORD, "10.0.0.7")
    assert caught.value.retry_after_s is not None
    assert 800 < caught.value.retry_after_s <= 900
    assert await _outcome(office, "admin", PASSWORD, "2001:db8:1:2::8") == "welcome", "the /64 of an earlier sign-in"
    assert await _outcome(office, "admin", PASSWORD, "10.0.0.7") == "rate_limit_exceeded"
    assert await _outcome(office, "somebody", "wrong", "10.0.0.7") == "invalid_api_key"
    async with office.database.unit_of_work() as work:
        details = {event.detail for event in await work.audit.newest(60)}
    assert "no more attempts from new networks for 900 s" in details


async def test_a_name_that_nobody_has_is_shut_in_the_same_way(office: OfficeServices) -> None:
    await _guess_from_everywhere(office.accounts, "nobody", 50)
    assert await _outcome(office, "nobody", "wrong", "10.0.0.7") == "rate_limit_exceeded"


async def test_a_known_network_is_known_after_a_restart_and_still_has_limits_of_its_own(office: OfficeServices) -> None:
    assert await _outcome(office, "admin", PASSWORD, "10.0.0.7") == "welcome"
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_name=FailureLimiter(3, 900))
    await _guess_from_everywhere(accounts, "admin", 3)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await accounts.authenticate("admin", "wrong", "10.0.0.7")
    with pytest.raises(RateLimited):
        await accounts.authenticate("admin", PASSWORD, "10.0.0.7")


async def test_a_shut_name_opens_by_itself_and_a_stranger_who_signs_in_is_one_no_more(office: OfficeServices) -> None:
    clock = Clock()
    passwords = fast_passwords()
    await passwords.start()
    accounts = accounts_of(office, passwords, by_name=FailureLimiter(3, 900, clock))
    await _guess_from_everywhere(accounts, "admin", 3)
    clock.now = 899
    for _ in range(8):
        with pytest.raises(RateLimited):
            await accounts.authenticate("admin", PASSWORD, "10.0.0.7")
    clock.now = 901
    assert (await accounts.authenticate("admin", PASSWORD, "10.0.0.7")).username == "admin"
    await _guess_from_everywhere(accounts, "admin", 3)
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
def test_one_subscriber_is_one_network(address: str, net: str) -> None:
    assert network_of(address) == net


async def test_a_changed_password_replaces_the_old_one(office: OfficeServices) -> None:
    await office.accounts.change_password("admin", PASSWORD, "another horse")
    assert await _outcome(office, "admin", PASSWORD) == "invalid_api_key"
    assert await office.accounts.authenticate("admin", "another horse", "::1") == Account("admin", "admin", False)
    assert ("admin", "change_password", "auth") in await audited(office)


@pytest.mark.parametrize("new", ["short", "a" * 1001, PASSWORD])
async def test_a_weak_or_unchanged_password_is_refused(office: OfficeServices, new: str) -> None:
    with pytest.raises(InvalidRequest):
        await office.accounts.change_password("admin", PASSWORD, new)
    assert await _outcome(office, "admin", PASSWORD) == "welcome"


async def test_guessing_the_old_password_is_limited_too(office: OfficeServices) -> None:
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await office.accounts.change_password("admin", "wrong", "another horse")
    with pytest.raises(RateLimited):
        await office.accounts.change_password("admin", PASSWORD, "another horse")


@pytest.mark.both_databases
async def test_names_that_nobody_can_have_fail_like_any_other_and_are_one(office: OfficeServices) -> None:
    names = ["a" * 201, "a" * 16_000, "ß" * 150, "admin\0", "\0"]
    assert [await _outcome(office, name, PASSWORD) for name in names] == ["invalid_api_key"] * 5
    assert (await audited(office))[:5] == [("(unknown)", "login_failed", "auth")] * 5
    assert await _outcome(office, "b" * 1_000, PASSWORD) == "rate_limit_exceeded"
    assert await _outcome(office, "admin", PASSWORD) == "welcome"


async def test_the_account_of_a_login_can_be_looked_at_again(office: OfficeServices) -> None:
    assert await office.accounts.get("admin") == Account("admin", "admin")
    with pytest.raises(NotFound):
        await office.accounts.get("nobody")
