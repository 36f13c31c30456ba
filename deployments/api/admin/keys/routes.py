"""Routes of ``/keys``: list, create, change and revoke API keys."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from deployments.administration.keys.service import DEFAULT_SCOPES, ApiKeyAdministration, ApiKeyView, KeyChange
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.keys.schemas import KeyList, KeyPatch, KeyReply, NewKey, UsedToday
from deployments.api.admin.request_identity import Caller

KeyId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_ELLIPSIS = "…"


def keys_router(keys: ApiKeyAdministration) -> APIRouter:
    router = APIRouter(prefix="/keys", tags=["keys"])

    @router.get("")
    async def valid() -> KeyList:
        """Lists all keys that are not revoked, by id."""
        found = [_reply(view) for view in await keys.views()]
        return KeyList(keys=found, total=len(found))

    @router.post("", status_code=201)
    async def create(body: NewKey, caller: Caller) -> KeyReply:
        """Creates a key. Only this reply contains its text."""
        scopes = DEFAULT_SCOPES if body.scopes is None else body.scopes
        key, plain = await keys.create(body.name, scopes, caller.username, body.expires_at, body.limits, body.owner)
        return _reply(await keys.view(key.id), plain)

    @router.patch("/{key_id}")
    async def change(key_id: KeyId, body: KeyPatch, caller: Caller, response: Response, if_match: IfMatch) -> KeyReply:
        """Changes name, owner or limits; the doors follow within a second. The version that was read is required, in
        ``If-Match`` or ``version``: 428 without it, 409 if it has changed."""
        change = KeyChange(body.name, body.limits, body.owner)
        await keys.change(key_id, change, caller.username, required_version(if_match, body.version))
        view = await keys.view(key_id)
        set_etag(response, view.version)
        return _reply(view)

    @router.delete("/{key_id}", status_code=204)
    async def revoke(key_id: KeyId, caller: Caller) -> None:
        """Revokes a key for good."""
        await keys.revoke(key_id, caller.username)

    return router


def _reply(view: ApiKeyView, plain: str | None = None) -> KeyReply:
    key = view.key
    return KeyReply(
        id=key.id,
        name=key.name,
        prefix=f"{key.prefix}{_ELLIPSIS}",
        scopes=list(key.scopes),
        limits=key.limits,
        owner=key.owner,
        version=view.version,
        created_at=view.created_at,
        expires_at=key.expires_at,
        last_used_on=view.last_used_on,
        used_today=UsedToday(
            requests=view.requests_today,
            tokens=view.used_today.tokens,
            audio_seconds=round(view.used_today.audio_seconds, 3),
            cost=round(view.used_today.cost, 6),
        ),
        key=plain,
    )
