"""The login pages without a browser, with actions between the steps of a login."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware

from deployments.administration.auth.accounts import Accounts
from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.office.composition import OfficeServices
from deployments.administration.users.service import UserChange
from ui.auth.guard import PanelGuard
from ui.auth.login import LoginPages
from ui.auth.panel_sessions import PanelSessions

ORIGIN = "http://panel.test"


class InterruptedPasswords(PasswordHashing):
    """Awaits ``meanwhile`` during the next verification of a password."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def verify(self, stored: str | None, password: str) -> bool:
        matches = await super().verify(stored, password)
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return matches


class InterruptedAccounts(Accounts):
    """Awaits ``meanwhile`` before a change of a password returns."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def change_password(self, *given: str) -> object:  # type: ignore[override]
        account = await super().change_password(*given)
        if self.meanwhile:
            await self.meanwhile()
        return account


class LoginServer:
    """The login pages behind the guard, with an office that has the user boris."""

    def __init__(self, office: OfficeServices) -> None:
        self.office = office
        self.passwords = InterruptedPasswords()
        self.accounts = InterruptedAccounts(office.database, self.passwords, account_writer=office.account_writer)
        self.sessions = PanelSessions()
        self.accounts.subscribe(self.sessions.close_all_of)
        self.app = FastAPI()
        LoginPages(self.accounts, self.sessions).mount(self.app)
        self.app.add_middleware(PanelGuard, sessions=self.sessions, secure=False)
        self.app.add_middleware(SessionMiddleware, secret_key="s" * 40)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}) as client:
            yield client

    async def change(self, change: UserChange) -> None:
        version = (await self.office.users.get("boris")).version
        await self.office.users.update("boris", change, version, "admin")

    @property
    def open_sessions(self) -> int:
        return len(self.sessions._open)
