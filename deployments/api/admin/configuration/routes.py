"""Routes of ``/configuration``: export and import of everything that people set up, without secrets."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from deployments.administration.transfer.document import SECTIONS, ConfigurationFile, SectionName
from deployments.administration.transfer.service import ConfigurationTransfer
from deployments.api.admin.configuration.schemas import ImportReply
from deployments.api.admin.request_identity import Caller

Sections = Annotated[list[SectionName] | None, Query(description="Default: all")]


def configuration_router(transfer: ConfigurationTransfer) -> APIRouter:
    router = APIRouter(prefix="/configuration", tags=["configuration"])

    @router.get("/export", response_model=ConfigurationFile)
    async def export(caller: Caller, section: Sections = None) -> Response:
        """Returns the configuration as a JSON file. Tokens, keys and proxy links are left out."""
        file = await transfer.export(caller.username, section or SECTIONS)
        headers = {"content-disposition": 'attachment; filename="secretary-configuration.json"'}
        return Response(file.to_bytes(), media_type="application/json", headers=headers)

    @router.post("/import")
    async def load(
        body: ConfigurationFile, caller: Caller, section: Sections = None, dry_run: bool = False
    ) -> ImportReply:
        """Creates and updates what the file has; nothing is deleted. ``dry_run`` only says what would change."""
        reports = await transfer.load(body, caller.username, dry_run=dry_run, sections=section or SECTIONS)
        return ImportReply(applied=not dry_run, sections=list(reports))

    return router
