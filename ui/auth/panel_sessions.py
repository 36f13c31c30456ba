"""Logged-in people. The browser holds a random token in a signed cookie; everything else stays here, in memory.

The office is one process, so is this table: a restart logs everybody out, a logout takes effect at once everywhere.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deployments.administration.auth.accounts import Account
from deployments.contracts.identity import Identity, Role

SESSION_LIFETIME_S = 12 * 3600.0
MAX_SESSIONS = 1_000


@dataclass
class PanelSession:
    """One login to the account as it was at ``version``. ``on_close`` holds what must happen when it ends: every open
    page leaves."""

    token: str = field(repr=False)
    username: str
    role: Role
    must_change_password: bool
    version: int
    expires_at: float
    on_close: set[Callable[[], None]] = field(default_factory=set, repr=False)

    @property
    def identity(self) -> Identity:
        """The person, with the role of this moment."""
        return Identity(self.username, self.role)


class PanelSessions:
    """``clock`` counts seconds and never goes back."""

    def __init__(self, *, lifetime_s: float = SESSION_LIFETIME_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._open: dict[str, PanelSession] = {}

    def open(self, account: Account) -> PanelSession:
        """A new session; the oldest one makes room when there are too many."""
        self._drop_expired()
        while len(self._open) >= MAX_SESSIONS:
            self.close(next(iter(self._open)))
        session = PanelSession(
            token=secrets.token_urlsafe(32),
            username=account.username,
            role=Role(account.role),
            must_change_password=account.must_change_password,
            version=account.version,
            expires_at=self._clock() + self._lifetime_s,
        )
        self._open[session.token] = session
        return session

    def get(self, token: str | None) -> PanelSession | None:
        """The running session of ``token``; an expired one is closed."""
        session = self._open.get(token or "")
        if session is not None and session.expires_at <= self._clock():
            self.close(session.token)
            return None
        return session

    def close(self, token: str | None) -> None:
        """Ends a session and every page that lives on it."""
        session = self._open.pop(token or "", None)
        for leave in tuple(session.on_close) if session else ():
            leave()

    def close_all_of(self, username: str) -> None:
        """Ends every session of the person, as after a change of password or role, wherever it was made."""
        for token in [s.token for s in self._open.values() if s.username == username]:
            self.close(token)

    def _drop_expired(self) -> None:
        now = self._clock()
        for token in [s.token for s in self._open.values() if s.expires_at <= now]:
            self.close(token)
