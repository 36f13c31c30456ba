"""Sign-ins of the office's REST API: a short access token, and a refresh token that is good for one use.

Who is signed in is remembered here, in the one process of the office, so that an end takes effect at once; it is read
from the stored refresh tokens at the start. A refresh token that comes a second time was stolen from somebody: its
whole family, the access tokens among them, ends.
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
_MOST_KEPT = 2_000
_REFUSALS, _REFUSALS_WINDOW_S = 30, 300.0
_ROTATIONS, _ROTATIONS_WINDOW_S = 60, 300.0


@dataclass(frozen=True, slots=True)
class TokenLifetimes:
    """Seconds. A sign-in ends ``refresh_s`` after it began, however often it was refreshed."""

    access_s: float = 15 * 60.0
    refresh_s: float = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a person gets. Seconds until each token expires."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int
    must_change_password: bool


class TokenService:
    """Implements the gate's TokenVerifier. ``clock`` gives Unix seconds; ``most`` sign-ins of one person go on at once,
    the oldest makes room."""

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
        self._desk = account_writer
        self._signer = AccessTokenSigner(secret)
        self._maker = RefreshTokenSigner(secret)
        self._clock = clock
        self._most = max_sign_ins
        self._open: dict[str, StoredSignIn] = {}
        self._refusals = FailureLimiter(_REFUSALS, _REFUSALS_WINDOW_S)
        self._rotations = FailureLimiter(_ROTATIONS, _ROTATIONS_WINDOW_S)
        account_writer.subscribe(self._close_all_of)

    async def start(self) -> None:
        """Drops what has expired and remembers who is signed in."""
        now = self._now()
        async with self._database.unit_of_work() as work:
            await work.tokens.remove_expired(now)
            stored = await work.tokens.sign_ins(now)
        self._open = {sign_in.family: sign_in for sign_in in stored}

    def verify(self, token: str) -> Identity:
        """Whose access token this is. Raises InvalidToken, also when the sign-in has ended since it was made."""
        claims = self._signer.read(token)
        sign_in = self._open.get(claims.session)
        if sign_in is None or (sign_in.username, sign_in.role) != (claims.username, claims.role):
            raise InvalidToken(_ENDED)
        role = Role(sign_in.role)
        return Identity(sign_in.username, role, sign_in.must_change_password, claims.token_id, claims.session)

    def is_active(self, identity: Identity) -> bool:
        """Whether the sign-in of ``identity`` has neither ended nor expired and its role is the same."""
        sign_in = self._open.get(identity.session_id)
        return sign_in is not None and sign_in.role == identity.role and sign_in.expires_at > self._now()

    async def issue(self, account: Account, address: str) -> TokenPair:
        """Begins a sign-in. Raises InvalidToken when the account has changed since ``account`` was read."""
        family = secrets.token_hex(16)

        async def work() -> TokenPair:
            now = self._now()
            async with self._database.unit_of_work() as unit:
                user = await unit.users.get(account.username)
                if user is None or not user.enabled or user.version != account.version:
                    raise InvalidToken(_ENDED)
                await unit.tokens.remove_expired(now)
                expires_at = datetime.fromtimestamp(now.timestamp() + self.lifetimes.refresh_s, UTC)
                plain = await self._add(unit, user, family, expires_at, now, address)
                surplus = (await unit.tokens.families(user.id))[self._most :]
                await unit.tokens.remove_families(surplus)
            for ended in surplus:
                self._open.pop(ended, None)
            return self._opened(user, family, expires_at, now, plain)

        return await self._desk.run_shielded(work)

    async def refresh(self, token: str, address: str) -> TokenPair:
        """Another pair for a refresh token, which is then used up. Raises InvalidToken; a used one ends the sign-in.
        Raises RateLimited for a network that keeps bringing tokens which are none, for an ended sign-in that is brought
        again and again, and for more than 60 refreshes of one sign-in in five minutes: that token stays good."""
        limited = self._maker.family(token) or network_of(address)
        if limited:
            self._refusals.count_failure(limited)
        if not is_refresh_token(token):
            raise InvalidToken(_ENDED)
        try:
            pair = await self._desk.run_shielded(lambda: self._rotated(token, address))
        except SecretaryError:
            self._refusals.uncount_last(limited)
            raise
        if pair is None:
            raise InvalidToken(_ENDED)
        self._refusals.uncount_last(limited)
        return pair

    async def end_sign_in(self, identity: Identity) -> None:
        """Ends the sign-in that ``identity`` belongs to: its access and refresh tokens are worth nothing."""

        async def work() -> None:
            async with self._database.unit_of_work() as unit:
                await unit.tokens.revoke_family(identity.session_id, self._now())
                await unit.audit.add(AuditEvent(identity.username, "logout", "auth", address=identity.address))
            self._open.pop(identity.session_id, None)

        await self._desk.run_shielded(work)

    async def _rotated(self, token: str, address: str) -> TokenPair | None:
        now, token_digest = self._now(), key_digest(token)
        async with self._database.unit_of_work() as unit:
            stored = await unit.tokens.get(token_digest) or await self._newest_of_its_family(unit, token)
            if stored is None or stored.revoked_at is not None or stored.expires_at <= now:
                return None
            user = await unit.users.get_by_id(stored.user_id)
            if user is None or not user.enabled:
                return None
            if await self._use(unit, stored, token_digest, now):
                plain = await self._add(unit, user, stored.family, stored.expires_at, now, address)
                await unit.tokens.remove_oldest(stored.family, _MOST_KEPT)
            else:
                plain = ""
                await self._revoke_stolen(unit, user, stored, address)
        if not plain:
            self._open.pop(stored.family, None)
            return None
        return self._opened(user, stored.family, stored.expires_at, now, plain)

    async def _newest_of_its_family(self, unit: UnitOfWork, token: str) -> StoredRefreshToken | None:
        """Stands for a token of ours whose row is forgotten, which only happens to used ones."""
        family = self._maker.family(token)
        return await unit.tokens.newest(family) if family else None

    async def _use(self, unit: UnitOfWork, stored: StoredRefreshToken, token_digest: str, now: datetime) -> bool:
        """Whether this is the first use of the token. Raises RateLimited."""
        if stored.digest != token_digest or stored.used_at is not None:
            return False
        self._rotations.count_failure(stored.family)
        return await unit.tokens.mark_used(token_digest, now)

    async def _revoke_stolen(
        self, unit: UnitOfWork, user: StoredUser, stored: StoredRefreshToken, address: str
    ) -> None:
        await unit.tokens.revoke_family(stored.family, self._now())
        detail = "a refresh token came a second time: the sign-in was ended"
        await unit.audit.add(AuditEvent(user.username, "refresh_reused", "auth", address=address, detail=detail))

    async def _add(
        self, unit: UnitOfWork, user: StoredUser, family: str, expires_at: datetime, now: datetime, address: str
    ) -> str:
        """Stores a fresh refresh token; returns its text, the one time it is known."""
        plain = self._maker.sign(family)
        await unit.tokens.add(
            StoredRefreshToken(
                key_digest(plain), family, user.id, expires_at=expires_at, created_at=now, address=address
            )
        )
        return plain

    def _opened(self, user: StoredUser, family: str, expires_at: datetime, now: datetime, plain: str) -> TokenPair:
        """Remembers the sign-in and signs its access token."""
        self._open = {name: known for name, known in self._open.items() if known.expires_at > now}
        self._open[family] = StoredSignIn(family, user.username, user.role, user.must_change_password, expires_at)
        left_s = (expires_at - now).total_seconds()
        access_s = min(self.lifetimes.access_s, left_s)
        access = self._signer.sign(user.username, user.role, family, now.timestamp(), access_s)
        return TokenPair(access, int(access_s), plain, int(left_s), user.must_change_password)

    def _close_all_of(self, username: str) -> None:
        self._open = {name: known for name, known in self._open.items() if known.username != username}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
