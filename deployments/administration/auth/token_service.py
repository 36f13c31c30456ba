"""Sign-ins of the office's REST API: a short-lived access token, and a refresh token for one use.

The office is one process and keeps the active sign-ins in memory, so that ending one takes effect at once. At the
start they are read from the stored refresh tokens. A refresh token that is used twice was stolen: its whole family
ends, access tokens included (RFC 9700, 4.14.2).
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.administration.auth.access_tokens import AccessTokenSigner, InvalidToken
from deployments.administration.auth.account_writer import AccountWriter
from deployments.administration.auth.accounts import Account
from deployments.administration.auth.client_addresses import network_of
from deployments.administration.auth.failure_limiter import FailureLimiter
from deployments.administration.auth.refresh_tokens import RefreshTokenSigner, is_refresh_token
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Identity, Role
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.tokens import StoredRefreshToken, StoredSignIn
from storage.repositories.users import StoredUser
from storage.secrets import key_digest
from storage.unit_of_work import UnitOfWork

_ENDED = "This sign-in has ended: sign in again."
_MAX_TOKENS_PER_FAMILY = 2_000
_REFUSALS, _REFUSALS_WINDOW_S = 30, 300.0
_ROTATIONS, _ROTATIONS_WINDOW_S = 60, 300.0


@dataclass(frozen=True, slots=True)
class TokenLifetimes:
    """Seconds. A sign-in ends ``refresh_s`` after its start; refreshing does not extend it."""

    access_s: float = 15 * 60.0
    refresh_s: float = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Both tokens of a sign-in, and the seconds until each expires."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int
    must_change_password: bool


class TokenService:
    """Issues, refreshes and verifies tokens. Implements the gate's TokenVerifier. ``clock`` returns Unix seconds. A
    user has at most ``max_sign_ins`` sign-ins; a further one ends the oldest."""

    def __init__(
        self,
        database: Database,
        account_writer: AccountWriter,
        secret: bytes,
        lifetimes: TokenLifetimes | None = None,
        clock: Callable[[], float] = time.time,
        max_sign_ins: int = 20,
    ) -> None:
        self.lifetimes = lifetimes or TokenLifetimes()
        self._database = database
        self._writer = account_writer
        self._access_signer = AccessTokenSigner(secret)
        self._refresh_signer = RefreshTokenSigner(secret)
        self._clock = clock
        self._max_sign_ins = max_sign_ins
        self._sign_ins: dict[str, StoredSignIn] = {}
        self._refusals = FailureLimiter(_REFUSALS, _REFUSALS_WINDOW_S)
        self._rotations = FailureLimiter(_ROTATIONS, _ROTATIONS_WINDOW_S)
        account_writer.subscribe(self._forget_user)

    async def start(self) -> None:
        """Removes expired tokens and loads the active sign-ins."""
        now = self._now()
        async with self._database.unit_of_work() as work:
            await work.tokens.remove_expired(now)
            stored = await work.tokens.sign_ins(now)
        self._sign_ins = {sign_in.family: sign_in for sign_in in stored}

    def verify(self, token: str) -> Identity:
        """Returns the identity of an access token. Raises InvalidToken, also if the sign-in has ended."""
        claims = self._access_signer.read(token)
        sign_in = self._sign_ins.get(claims.session)
        if sign_in is None or (sign_in.username, sign_in.role) != (claims.username, claims.role):
            raise InvalidToken(_ENDED)
        role = Role(sign_in.role)
        return Identity(sign_in.username, role, sign_in.must_change_password, claims.token_id, claims.session)

    def is_active(self, identity: Identity) -> bool:
        """Returns whether the sign-in of ``identity`` is neither ended nor expired and has the same role."""
        sign_in = self._sign_ins.get(identity.session_id)
        return sign_in is not None and sign_in.role == identity.role and sign_in.expires_at > self._now()

    def sign_ins_of(self, username: str) -> tuple[StoredSignIn, ...]:
        """The active sign-ins of a user by API."""
        now = self._now()
        return tuple(each for each in self._sign_ins.values() if each.username == username and each.expires_at > now)

    async def issue(self, account: Account, address: str) -> TokenPair:
        """Starts a sign-in. Raises InvalidToken if the account has changed since ``account`` was read."""
        family = secrets.token_hex(16)

        async def work() -> TokenPair:
            now = self._now()
            async with self._database.unit_of_work() as unit:
                user = await unit.users.get(account.username)
                if user is None or not user.enabled or user.version != account.version:
                    raise InvalidToken(_ENDED)
                await unit.tokens.remove_expired(now)
                expires_at = datetime.fromtimestamp(now.timestamp() + self.lifetimes.refresh_s, UTC)
                plain = await self._add_refresh_token(unit, user, family, expires_at, now, address)
                surplus = (await unit.tokens.families(user.id))[self._max_sign_ins :]
                await unit.tokens.remove_families(surplus)
            for ended in surplus:
                self._sign_ins.pop(ended, None)
            return self._remember(user, family, expires_at, now, plain)

        return await self._writer.run_shielded(work)

    async def refresh(self, token: str, address: str) -> TokenPair:
        """Returns a new pair for a refresh token, which is then used.

        Raises InvalidToken; a token that was used before also ends its sign-in. Raises RateLimited after 30 invalid
        tokens from one network or of one ended sign-in in five minutes, and after 60 refreshes of one sign-in in five
        minutes; the token stays valid then.
        """
        limit_key = self._refresh_signer.family(token) or network_of(address)
        if limit_key:
            self._refusals.count_failure(limit_key)
        if not is_refresh_token(token):
            raise InvalidToken(_ENDED)
        try:
            pair = await self._writer.run_shielded(lambda: self._rotate(token, address))
        except SecretaryError:
            self._refusals.uncount_last(limit_key)
            raise
        if pair is None:
            raise InvalidToken(_ENDED)
        self._refusals.uncount_last(limit_key)
        return pair

    async def end_sign_in(self, identity: Identity) -> None:
        """Ends the sign-in of ``identity``. Its access and refresh tokens become invalid."""

        async def work() -> None:
            async with self._database.unit_of_work() as unit:
                await unit.tokens.revoke_family(identity.session_id, self._now())
                await unit.audit.add(AuditEvent(identity.username, "logout", "auth", address=identity.address))
            self._sign_ins.pop(identity.session_id, None)

        await self._writer.run_shielded(work)

    async def _rotate(self, token: str, address: str) -> TokenPair | None:
        now, token_digest = self._now(), key_digest(token)
        async with self._database.unit_of_work() as unit:
            stored = await unit.tokens.get(token_digest) or await self._newest_of_family(unit, token)
            if stored is None or stored.revoked_at is not None or stored.expires_at <= now:
                return None
            user = await unit.users.get_by_id(stored.user_id)
            if user is None or not user.enabled:
                return None
            if await self._mark_used(unit, stored, token_digest, now):
                plain = await self._add_refresh_token(unit, user, stored.family, stored.expires_at, now, address)
                await unit.tokens.remove_oldest(stored.family, _MAX_TOKENS_PER_FAMILY)
            else:
                plain = ""
                await self._revoke_reused(unit, user, stored, address)
        if not plain:
            self._sign_ins.pop(stored.family, None)
            return None
        return self._remember(user, stored.family, stored.expires_at, now, plain)

    async def _newest_of_family(self, unit: UnitOfWork, token: str) -> StoredRefreshToken | None:
        """Stands for a token that we signed and whose row was removed; only rows of used tokens are removed."""
        family = self._refresh_signer.family(token)
        return await unit.tokens.newest(family) if family else None

    async def _mark_used(self, unit: UnitOfWork, stored: StoredRefreshToken, token_digest: str, now: datetime) -> bool:
        """Marks the token as used. Returns False if it was used before. Raises RateLimited."""
        if stored.digest != token_digest or stored.used_at is not None:
            return False
        self._rotations.count_failure(stored.family)
        return await unit.tokens.mark_used(token_digest, now)

    async def _revoke_reused(
        self, unit: UnitOfWork, user: StoredUser, stored: StoredRefreshToken, address: str
    ) -> None:
        await unit.tokens.revoke_family(stored.family, self._now())
        detail = "a refresh token was used twice: the sign-in was ended"
        await unit.audit.add(AuditEvent(user.username, "refresh_reused", "auth", address=address, detail=detail))

    async def _add_refresh_token(
        self, unit: UnitOfWork, user: StoredUser, family: str, expires_at: datetime, now: datetime, address: str
    ) -> str:
        """Stores a new refresh token and returns its text, of which only the digest is stored."""
        plain = self._refresh_signer.sign(family)
        await unit.tokens.add(
            StoredRefreshToken(
                key_digest(plain), family, user.id, expires_at=expires_at, created_at=now, address=address
            )
        )
        return plain

    def _remember(self, user: StoredUser, family: str, expires_at: datetime, now: datetime, plain: str) -> TokenPair:
        """Adds the sign-in to the active ones and signs its access token."""
        self._sign_ins = {name: known for name, known in self._sign_ins.items() if known.expires_at > now}
        self._sign_ins[family] = StoredSignIn(family, user.username, user.role, user.must_change_password, expires_at)
        left_s = (expires_at - now).total_seconds()
        access_s = min(self.lifetimes.access_s, left_s)
        access = self._access_signer.sign(user.username, user.role, family, now.timestamp(), access_s)
        return TokenPair(access, int(access_s), plain, int(left_s), user.must_change_password)

    def _forget_user(self, username: str) -> None:
        self._sign_ins = {name: known for name, known in self._sign_ins.items() if known.username != username}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
