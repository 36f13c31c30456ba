"""Who may sign in, and as what."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import SecretStr
from starlette.responses import Response

from deployments.administration.users.service import User, UserAdministration, UserChange
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.users.schemas import NewUser, UserList, UserPatch, UserReply


def users_router(users: UserAdministration) -> APIRouter:
    router = APIRouter(prefix="/users", tags=["users"])

    @router.get("")
    async def everybody() -> UserList:
        """Everybody by name."""
        found = [_reply(user) for user in await users.list()]
        return UserList(users=found, total=len(found))

    @router.post("", status_code=201)
    async def create(body: NewUser, caller: Caller, response: Response) -> UserReply:
        """Adds somebody. 409 when the name is taken."""
        user, password = await users.create(body.username, body.role, _plain(body.password), caller.username)
        set_etag(response, user.version)
        return _reply(user, password)

    @router.get("/{username}")
    async def read(username: str, response: Response) -> UserReply:
        """One person. The ETag is the version."""
        user = await users.get(username)
        set_etag(response, user.version)
        return _reply(user)

    @router.patch("/{username}")
    async def change(username: str, body: UserPatch, caller: Caller, response: Response, version: IfMatch) -> UserReply:
        """Changes role, right to enter or password, and ends all sign-ins of the person. 409 when somebody else
        changed the person since, or when no administrator would be left."""
        wanted = UserChange(body.role, body.enabled, _plain(body.password), body.reset_password)
        user, password = await users.update(username, wanted, required_version(version, body.version), caller.username)
        set_etag(response, user.version)
        return _reply(user, password)

    @router.delete("/{username}", status_code=204)
    async def delete(username: str, caller: Caller) -> None:
        """Removes a person. 409 for oneself and for the last enabled administrator."""
        await users.delete(username, caller.username)

    return router


def _plain(password: SecretStr | None) -> str | None:
    return password.get_secret_value() if password is not None else None


def _reply(user: User, password: str | None = None) -> UserReply:
    return UserReply(**asdict(user), password=password)
