"""An office with a real database behind the admin gate, called over ASGI with tokens of each role."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import APIRouter
from pydantic import SecretStr

from deployments.administration.office.composition import OfficeServices, open_office
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.metrics import Metrics
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.contracts.errors import Unauthorized
from deployments.contracts.identity import Identity, Role
from storage.environment import Environment
from tests.data_folders import fast_passwords, prepare_data_folder

PASSWORD = "correct horse battery"


class RoleTokens:
    """Verifies tokens that name a role: ``viewer``, ``operator`` or ``admin``; ``new`` is an admin with a temporary
    password."""

    def verify(self, token: str) -> Identity:
        if token == "new":
            return Identity("new", Role.ADMIN, must_change_password=True)
        try:
            return Identity(token, Role(token))
        except ValueError:
            raise Unauthorized("this token is not known") from None

    def is_active(self, identity: Identity) -> bool:
        return True


class OfficeSnapshots:
    """The published snapshot of an office."""

    def __init__(self, office: OfficeServices) -> None:
        self._office = office
        self.ready = True

    @property
    def current(self):
        return self._office.publisher.current


@asynccontextmanager
async def opened_office(folder: Path, database_url: str = "") -> AsyncIterator[OfficeServices]:
    environment = Environment(
        data=folder / "data", admin_password=SecretStr(PASSWORD), database_url=database_url, _env_file=None
    )
    await prepare_data_folder(environment)
    office = await open_office(environment, passwords=fast_passwords())
    try:
        yield office
    finally:
        await office.close()


Routers = Callable[[OfficeServices], Iterable[APIRouter]]


@asynccontextmanager
async def admin_client(
    office: OfficeServices,
    routers: Routers,
    role: str = "admin",
    *,
    real_tokens: bool = False,
    address: str = "127.0.0.1",
    body_timeout_s: float = CLIENT_TIMEOUT_S,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the office at ``/admin`` with the token ``role``; "" means no token. With ``real_tokens`` the office
    verifies tokens."""
    tokens = office.tokens if real_tokens else RoleTokens()
    dependencies = GateDependencies(tokens, OfficeSnapshots(office), Metrics(), body_timeout_s=body_timeout_s)
    app = AdminApp(dependencies, routers(office))
    headers = {"authorization": f"Bearer {role}"} if role else {}
    transport = httpx.ASGITransport(app, root_path="/admin", client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://office/admin", headers=headers) as client:
        yield client
