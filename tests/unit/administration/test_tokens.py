"""Sign-ins: refresh, reuse, limits, expiry and revocation of tokens."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.administration.auth.access_tokens import InvalidToken
from deployments.administration.auth.account_writer import AccountWriter
from deployments.administration.auth.token_service import TokenLifetimes, TokenPair, TokenService
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.users.service import UserChange
from deployments.contracts.errors import RateLimited
from deployments.contracts.identity import Identity, Role
from storage.environment import Environment
from storage.repositories.tokens import StoredRefreshToken
from storage.secrets import key_digest
from tests.data_folders import fast_passwords
from tests.unit.administration.conftest import PASSWORD, audited
from tests.unit.administration.manual_clock import ManualClock

SECRET = b"0123456789abcdef0123456789abcdef"
HERE = "10.0.0.7"


async def sign_in(office: OfficeServices) -> TokenPair:
    return await office.tokens.issue(await office.accounts.get("admin"), HERE)


def good(tokens: TokenService, pair: TokenPair) -> bool:
    try:
        return bool(tokens.verify(pair.access_token).username)
    except InvalidToken:
        return False


async def test_sign_in_valid_until_ended(office: OfficeServices) -> None:
    pair, other = await sign_in(office), await sign_in(office)
    identity = office.tokens.verify(pair.access_token)
    assert replace(identity, token_id="", session_id="") == Identity("admin", Role.ADMIN)
    await office.tokens.end_sign_in(identity)
    assert not good(office.tokens, pair)
    assert good(office.tokens, other)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(pair.refresh_token, HERE)
    assert (await audited(office))[0] == ("admin", "logout", "auth")


async def test_refresh_reuse_ends_sign_in(
    office: OfficeServices,
) -> None:
    first, other = await sign_in(office), await sign_in(office)
    second = await office.tokens.refresh(first.refresh_token, HERE)
    assert good(office.tokens, second)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(first.refresh_token, HERE)
    assert not good(office.tokens, second)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(second.refresh_token, HERE)
    assert good(office.tokens, other)
    assert [event for event in await audited(office) if event[1] == "refresh_reused"] == [
        ("admin", "refresh_reused", "auth")
    ]


async def _remove_all_but_newest(office: OfficeServices, pair: TokenPair) -> None:
    async with office.database.unit_of_work() as work:
        await work.tokens.remove_oldest(office.tokens.verify(pair.access_token).session_id, 1)


async def test_refresh_reuse_detected_without_row(office: OfficeServices) -> None:
    stolen, other = await sign_in(office), await sign_in(office)
    thief = await office.tokens.refresh(stolen.refresh_token, HERE)
    await _remove_all_but_newest(office, thief)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(stolen.refresh_token, HERE)
    assert not good(office.tokens, thief)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(thief.refresh_token, HERE)
    assert good(office.tokens, other)
    assert ("admin", "refresh_reused", "auth") in await audited(office)


@pytest.mark.parametrize("part", [1, 2])
async def test_refresh_forged_token_ends_nothing(office: OfficeServices, part: int) -> None:
    pair = await sign_in(office)
    parts = pair.refresh_token.split(".")
    parts[part] = "0" * 43
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(".".join(parts), HERE)
    assert good(office.tokens, await office.tokens.refresh(pair.refresh_token, HERE))


async def test_refresh_of_older_token_format_works_once(office: OfficeServices) -> None:
    old, now = "a" * 43, datetime.now(UTC)
    async with office.database.unit_of_work() as work:
        user = await work.users.get("admin")
        assert user is not None
        await work.tokens.add(StoredRefreshToken(key_digest(old), "f" * 32, user.id, now + timedelta(days=1), now))
    pair = await office.tokens.refresh(old, HERE)
    assert good(office.tokens, pair)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(old, HERE)
    assert not good(office.tokens, pair)


async def test_refresh_rate_limit_keeps_token(
    office: OfficeServices,
) -> None:
    first, other = await sign_in(office), await sign_in(office)
    pair = first
    for _ in range(60):
        pair = await office.tokens.refresh(pair.refresh_token, HERE)
    for _ in range(40):
        with pytest.raises(RateLimited) as caught:
            await office.tokens.refresh(pair.refresh_token, HERE)
    assert caught.value.retry_after_s is not None
    assert good(office.tokens, await office.tokens.refresh(other.refresh_token, HERE)), "these were no guesses"
    assert good(office.tokens, pair)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(first.refresh_token, HERE)
    assert not good(office.tokens, pair), "a theft is noticed meanwhile"


async def test_refresh_success_keeps_failure_count(office: OfficeServices) -> None:
    pair = await sign_in(office)
    for number in range(29):
        with pytest.raises(InvalidToken):
            await office.tokens.refresh(f"{number:043}", HERE)
    await office.tokens.refresh(pair.refresh_token, HERE)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh("0" * 43, HERE)
    with pytest.raises(RateLimited):
        await office.tokens.refresh("0" * 43, HERE)


async def test_refresh_in_parallel_ends_family(office: OfficeServices) -> None:
    pair = await sign_in(office)
    uses = (office.tokens.refresh(pair.refresh_token, HERE) for _ in range(6))
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, TokenPair)]
    assert len(won) == 1
    assert all(isinstance(outcome, InvalidToken) for outcome in outcomes if outcome is not won[0])
    assert not good(office.tokens, won[0])
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(won[0].refresh_token, HERE)


async def test_token_calls_complete_after_cancellation(office: OfficeServices) -> None:
    pair = await sign_in(office)
    ending = asyncio.create_task(office.tokens.end_sign_in(office.tokens.verify(pair.access_token)))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    await office.account_writer.run_shielded(_nothing)
    assert not good(office.tokens, pair)


async def _nothing() -> None:
    return None


@pytest.mark.parametrize(
    "change", [UserChange(role=Role.VIEWER), UserChange(enabled=False), UserChange(reset=True), None]
)
async def test_account_change_ends_sign_ins(office: OfficeServices, change: UserChange | None) -> None:
    await office.users.create("boris", Role.ADMIN, "a password of boris", "admin")
    pair = await office.tokens.issue(await office.accounts.get("boris"), HERE)
    mine = await sign_in(office)
    if change is None:
        await office.users.delete("boris", "admin")
        await office.users.create("boris", Role.ADMIN, "a password of boris", "admin")
    else:
        await office.users.update("boris", change, 1, "admin")
    with pytest.raises(InvalidToken):
        office.tokens.verify(pair.access_token)
    with pytest.raises(InvalidToken):
        await office.tokens.refresh(pair.refresh_token, HERE)
    assert good(office.tokens, mine)


async def test_issue_rejects_changed_account(office: OfficeServices) -> None:
    account = await office.accounts.authenticate("admin", PASSWORD, HERE)
    await office.accounts.change_password("admin", PASSWORD, "another horse")
    with pytest.raises(InvalidToken):
        await office.tokens.issue(account, HERE)


async def test_sign_ins_survive_restart(environment: Environment) -> None:
    office = await open_office(environment, passwords=fast_passwords())
    stays, ended = await sign_in(office), await sign_in(office)
    await office.tokens.end_sign_in(office.tokens.verify(ended.access_token))
    await office.close()
    office = await open_office(environment, passwords=fast_passwords())
    try:
        assert good(office.tokens, stays)
        assert not good(office.tokens, ended)
        assert good(office.tokens, await office.tokens.refresh(stays.refresh_token, HERE))
    finally:
        await office.close()


async def test_sign_in_expires_despite_refreshes(office: OfficeServices) -> None:
    clock = ManualClock(time.time())
    tokens = TokenService(office.database, AccountWriter(office.database), SECRET, TokenLifetimes(900, 3_000), clock)
    pair = await tokens.issue(await office.accounts.get("admin"), HERE)
    clock.now += 2_500
    pair = await tokens.refresh(pair.refresh_token, HERE)
    assert 499 <= pair.refresh_expires_in <= 500
    assert pair.expires_in <= 500
    clock.now += 501
    with pytest.raises(InvalidToken):
        await tokens.refresh(pair.refresh_token, HERE)
    await tokens.issue(await office.accounts.get("admin"), HERE)
    async with office.database.unit_of_work() as work:
        user = await work.users.get("admin")
        assert user is not None
        assert len(await work.tokens.families(user.id)) == 1, "what has expired is not kept"


async def test_sign_in_limit_ends_oldest(office: OfficeServices) -> None:
    tokens = TokenService(office.database, AccountWriter(office.database), SECRET, max_sign_ins=3)
    pairs = [await tokens.issue(await office.accounts.get("admin"), HERE) for _ in range(5)]
    assert [good(tokens, pair) for pair in pairs] == [False, False, True, True, True]


async def test_refresh_failures_limited_per_ipv6_network(office: OfficeServices) -> None:
    for number in range(30):
        with pytest.raises(InvalidToken):
            await office.tokens.refresh(f"{number:043}", f"2001:db8:1:2::{number:x}")
    with pytest.raises(RateLimited):
        await office.tokens.refresh("0" * 43, "2001:db8:1:2:ffff::1")
    with pytest.raises(InvalidToken):
        await office.tokens.refresh("0" * 43, "2001:db8:1:3::1")


async def test_refresh_failures_limited_per_address(office: OfficeServices) -> None:
    for number in range(30):
        with pytest.raises(InvalidToken):
            await office.tokens.refresh(f"{number:043}", HERE)
    with pytest.raises(RateLimited):
        await office.tokens.refresh("0" * 43, HERE)
    pair = await sign_in(office)
    assert good(office.tokens, await office.tokens.refresh(pair.refresh_token, HERE)), "this is no guess"


async def test_refresh_of_ended_sign_in_limits_only_itself(office: OfficeServices) -> None:
    ended, other = await sign_in(office), await sign_in(office)
    await office.tokens.end_sign_in(office.tokens.verify(ended.access_token))
    for _ in range(30):
        with pytest.raises(InvalidToken):
            await office.tokens.refresh(ended.refresh_token, HERE)
    with pytest.raises(RateLimited):
        await office.tokens.refresh(ended.refresh_token, HERE)
    assert good(office.tokens, await office.tokens.refresh(other.refresh_token, HERE))


@pytest.fixture
async def anna(office: OfficeServices) -> OfficeServices:
    await office.users.create("anna", Role.OPERATOR, "a password of anna", "admin")
    return office


class SignInModel:
    """Compares the token service with a model: an active sign-in has one valid refresh token, an ended one has none."""

    def __init__(self, office: OfficeServices) -> None:
        self.office = office
        self.tokens = TokenService(office.database, office.account_writer, SECRET)
        self.running: list[list[TokenPair]] = []
        self.ended: list[TokenPair] = []

    async def login(self, session: list[TokenPair], pick: int) -> None:
        self.running.append([await self.tokens.issue(await self.office.accounts.get("anna"), "")])

    async def refresh(self, session: list[TokenPair], pick: int) -> None:
        if session:
            session.append(await self.tokens.refresh(session[-1].refresh_token, ""))

    async def reuse(self, session: list[TokenPair], pick: int) -> None:
        if len(session) > 1:
            await self.refused(session[pick % (len(session) - 1)])
            self.finish(session)

    async def logout(self, session: list[TokenPair], pick: int) -> None:
        if session:
            await self.tokens.end_sign_in(self.tokens.verify(session[-1].access_token))
            self.finish(session)

    async def change(self, session: list[TokenPair], pick: int) -> None:
        version = (await self.office.users.get("anna")).version
        await self.office.users.update("anna", UserChange(enabled=True), version, "admin")
        for each in list(self.running):
            self.finish(each)

    def finish(self, session: list[TokenPair]) -> None:
        self.ended.extend(session)
        self.running.remove(session)

    async def refused(self, pair: TokenPair) -> None:
        with pytest.raises(InvalidToken):
            await self.tokens.refresh(pair.refresh_token, "")

    async def check(self) -> None:
        """Checks the running token service and a newly started one."""
        again = TokenService(self.office.database, AccountWriter(self.office.database), SECRET)
        await again.start()
        for watching in (self.tokens, again):
            assert all(good(watching, pair) for session in self.running for pair in session)
            assert not any(good(watching, pair) for pair in self.ended)
        for pair in self.ended[-2:]:
            await self.refused(pair)


STEPS = st.lists(st.tuples(st.sampled_from(["login", "refresh", "reuse", "logout", "change"]), st.integers(0, 7)))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
async def test_tokens_match_model(anna: OfficeServices, steps: list[tuple[str, int]]) -> None:
    model = SignInModel(anna)
    for step, pick in steps:
        session = model.running[pick % len(model.running)] if model.running else []
        await getattr(model, step)(session, pick)
        await model.check()
