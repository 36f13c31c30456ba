"""Sessions of the panel. The browser stores a random token in a signed cookie; the sessions are kept in memory.

The office is one process, so a logout takes effect everywhere at once, and a restart ends all sessions.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.administration.auth.accounts import Account
from deployments.contracts.identity import Identity, Role

SESSION_LIFETIME_S = 12 * 3600.0
MAX_SESSIONS = 1_000
MAX_SESSIONS_PER_USER = 20

ENDED, SIGNED_OUT = "ended", "signed-out"
"""Why a session is over: it expired or the account changed; its user logged out."""


@dataclass
class PanelSession:
    """A login to the account at ``version``. The callbacks ``on_close`` are called when the session ends, one for each
    open page. ``expires_at`` is in seconds of the clock of PanelSessions. ``browser`` names browser and system."""

    token: str = field(repr=False)
    username: str
    role: Role
    must_change_password: bool
    version: int
    expires_at: float
    end_reason: str = ENDED
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    address: str = ""
    browser: str = ""
    on_close: set[Callable[[], None]] = field(default_factory=set, repr=False)

    @property
    def identity(self) -> Identity:
        """The user with the current role."""
        return Identity(self.username, self.role)


class PanelSessions:
    """All open sessions. ``clock`` is a monotonic clock in seconds."""

    def __init__(self, *, lifetime_s: float = SESSION_LIFETIME_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._open: dict[str, PanelSession] = {}

    def open(self, account: Account, address: str = "", browser: str = "") -> PanelSession:
        """Opens a session. Closes the oldest one of the user who has MAX_SESSIONS_PER_USER; when there are MAX_SESSIONS
        in all, the oldest one of the user who has most of them."""
        self._drop_expired()
        while len(own := self._tokens_of(account.username)) >= MAX_SESSIONS_PER_USER:
            self.close(own[0])
        while len(self._open) >= MAX_SESSIONS:
            heaviest, _ = Counter(session.username for session in self._open.values()).most_common(1)[0]
            self.close(self._tokens_of(heaviest)[0])
        session = PanelSession(
            token=secrets.token_urlsafe(32),
            username=account.username,
            role=Role(account.role),
            must_change_password=account.must_change_password,
            version=account.version,
            expires_at=self._clock() + self._lifetime_s,
            address=address,
            browser=browser,
        )
        self._open[session.token] = session
        return session

    def get(self, token: str | None) -> PanelSession | None:
        """The open session of ``token``. An expired session is closed."""
        session = self._open.get(token or "")
        if session is not None and session.expires_at <= self._clock():
            self.close(session.token)
            return None
        return session

    def of_user(self, username: str) -> tuple[PanelSession, ...]:
        """The open sessions of a user, the oldest first."""
        now = self._clock()
        return tuple(each for each in self._open.values() if each.username == username and each.expires_at > now)

    def close(self, token: str | None, reason: str = ENDED) -> None:
        """Ends a session and calls its ``on_close`` callbacks."""
        session = self._open.pop(token or "", None)
        if session:
            session.end_reason = reason
        for callback in tuple(session.on_close) if session else ():
            callback()

    def close_all_of(self, username: str) -> None:
        """Ends all sessions of a user, for example after a change of the password or the role."""
        for token in self._tokens_of(username):
            self.close(token)

    def _tokens_of(self, username: str) -> list[str]:
        return [session.token for session in self._open.values() if session.username == username]

    def _drop_expired(self) -> None:
        now = self._clock()
        for token in [s.token for s in self._open.values() if s.expires_at <= now]:
            self.close(token)
