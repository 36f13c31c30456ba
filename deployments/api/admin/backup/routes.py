"""Routes of ``/backup``: archives of everything but models, logs and secret keys, created while the secretary runs."""

from fastapi import APIRouter, status
from starlette.responses import FileResponse, Response

from deployments.administration.backup.backups import BackupContents, Backups
from deployments.api.admin.backup.schemas import (
    BackupList,
    BackupProgressView,
    BackupReply,
    BackupView,
)
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_identity import Caller

_MEDIA_TYPE = "application/gzip"


def build_router(backups: Backups) -> APIRouter:
    router = APIRouter(prefix="/backup", tags=["backup"])

    @router.get("")
    async def listing() -> BackupList:
        running = backups.progress
        return BackupList(
            backups=[BackupView.model_validate(each) for each in await backups.list()],
            creating=BackupProgressView.model_validate(running) if running is not None else None,
        )

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create(caller: Caller) -> BackupReply:
        return BackupReply(backup=BackupView.model_validate(await backups.create(caller.username)))

    @router.get("/{name}/contents")
    async def contents(name: str) -> BackupContents:
        """What an archive holds. The first call decompresses it."""
        return await backups.contents(name)

    @router.get("/{name}", response_class=Response, responses=response_media_types(_MEDIA_TYPE))
    async def fetch(name: str, caller: Caller) -> FileResponse:
        return FileResponse(await backups.fetch(name, caller.username), media_type=_MEDIA_TYPE, filename=name)

    @router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete(name: str, caller: Caller) -> None:
        await backups.delete(name, caller.username)

    return router
