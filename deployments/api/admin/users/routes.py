"""Routes of ``/users``: list, create, change and delete users."""

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
    async def list_users() -> UserList:
        """Lists all users by name."""
        found = [_reply(user) for user in await users.list()]
        return UserList(users=found, total=len(found))

    @router.post("", status_code=201)
    async def create(body: NewUser, caller: Caller, response: Response) -> UserReply:
        """Creates a user. 409 if the name is taken."""
        user, password = await users.create(body.username, body.role, _secret_text(body.password), caller.username)
        set_etag(response, user.version)
        return _reply(user, password)

    @router.get("/{username}")
    async def read(username: str, response: Response) -> UserReply:
        """Returns one user. The ETag is the version."""
        user = await users.get(username)
        set_etag(response, user.version)
        return _reply(user)

    @router.patch("/{username}")
    async def change(username: str, body: UserPatch, caller: Caller, response: Response, version: IfMatch) -> UserReply:
        """Changes role, access or password and ends all sign-ins of the user. 409 if the user was changed in the
        meantime, or if no administrator would remain."""
        change = UserChange(body.role, body.enabled, _secret_text(body.password), body.reset_password)
        user, password = await users.update(username, change, required_version(version, body.version), caller.username)
        set_etag(response, user.version)
        return _reply(user, password)

    @router.delete("/{username}/sign-ins", status_code=204)
    async def end_sign_ins(username: str, caller: Caller) -> None:
        """Ends every sign-in of a user, in the REST API and the panel. The user stays and may sign in again."""
        await users.end_sign_ins(username, caller.username)

    @router.delete("/{username}", status_code=204)
    async def delete(username: str, caller: Caller) -> None:
        """Deletes a user. 409 for the own account and for the last enabled administrator."""
        await users.delete(username, caller.username)

    return router


def _secret_text(password: SecretStr | None) -> str | None:
    return password.get_secret_value() if password is not None else None


def _reply(user: User, password: str | None = None) -> UserReply:
    return UserReply(**asdict(user), password=password)
