"""Routes of ``/models``: models of this machine, downloads, scans and the hub."""

from typing import Annotated

from fastapi import APIRouter, Query

from deployments.administration.models.service import ModelAdministration
from deployments.api.admin.models.schemas import (
    DeletedModel,
    DownloadRequest,
    DownloadStatus,
    HubModel,
    HubSearchResults,
    ModelList,
    ModelStorage,
    ScanStatus,
)
from deployments.api.admin.request_identity import Caller

Text = Annotated[str, Query(min_length=1, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100)]
Revision = Annotated[str, Query(pattern=r"^[A-Za-z0-9][\w./-]{0,99}$")]


def build_router(models: ModelAdministration) -> APIRouter:
    router = APIRouter(prefix="/models", tags=["models"])
    _add_downloads(router, models)
    _add_hub(router, models)

    @router.get("/list")
    async def listing() -> ModelList:
        return ModelList(models=await models.list())

    @router.get("/storage")
    async def storage() -> ModelStorage:
        """What models take on the disk, and what is free."""
        return await models.storage()

    @router.post("/scan")
    async def scan(caller: Caller) -> ScanStatus:
        return await models.scan(caller.username)

    @router.post("/scan/cancel")
    async def cancel_scan() -> ScanStatus:
        return models.cancel_scan()

    @router.get("/scan/status")
    async def scan_status() -> ScanStatus:
        return models.scan_status()

    @router.delete("/{model_id}")
    async def delete(model_id: str, caller: Caller) -> DeletedModel:
        return DeletedModel(id=model_id, freed=await models.delete(model_id, caller.username))

    return router


def _add_downloads(router: APIRouter, models: ModelAdministration) -> None:
    @router.post("/download")
    async def download(body: DownloadRequest, caller: Caller) -> DownloadStatus:
        """Starts a download and returns at once; see ``/download/status``."""
        if body.repo_id is not None:
            return await models.download_from_hub(body.repo_id, body.revision, body.kind, body.include, caller.username)
        return await models.download(body.model_id or "", caller.username, accept_licence=body.accept_licence)

    @router.post("/download/cancel")
    async def cancel_download(caller: Caller) -> DownloadStatus:
        return await models.cancel_download(caller.username)

    @router.get("/download/status")
    async def download_status() -> DownloadStatus:
        return models.download_status()


def _add_hub(router: APIRouter, models: ModelAdministration) -> None:
    @router.get("/search")
    async def search(query: Text, limit: Limit = 20) -> HubSearchResults:
        return HubSearchResults(models=await models.search(query, limit))

    @router.get("/details/{repo:path}")
    async def details(repo: str, revision: Revision = "main") -> HubModel:
        return await models.details(repo, revision)
