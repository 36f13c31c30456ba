"""Routes for FAQ files: export, and import in one transaction."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from deployments.administration.faq.file_reader import FaqFileReader
from deployments.administration.faq.files import entries_to_csv, entries_to_json
from deployments.administration.faq.importing import FaqImporter, ImportReport
from deployments.administration.faq.service import FaqAdministration
from deployments.api.admin.faq.schemas import ImportReply, RejectedRowReply
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_identity import Caller
from deployments.api.multipart import multipart_fields, uploaded_file
from deployments.api.request_body import content_type, read_body
from deployments.contracts.errors import InvalidRequest

FileKind = Literal["json", "csv"]
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
_CSV_TYPES = (b"text/csv", b"application/csv", b"application/vnd.ms-excel", b"text/plain")


def faq_files_router(faq: FaqAdministration, importer: FaqImporter) -> APIRouter:
    """Must be included before ``faq_router``, whose last route matches every path."""
    router = APIRouter(prefix="/faq", tags=["faq"])
    reader = FaqFileReader()

    @router.get("/export", response_class=Response, responses=response_media_types("application/json", "text/csv"))
    async def export(format: FileKind = "json") -> Response:
        """Every entry, including disabled ones. Importing an exported file changes nothing."""
        entries = await faq.all()
        content = await asyncio.to_thread(entries_to_csv if format == "csv" else entries_to_json, entries)
        disposition = f'attachment; filename="faq.{format}"'
        return Response(content, media_type=_TYPES[format], headers={"content-disposition": disposition})

    @router.post("/import")
    async def import_file(
        request: Request,
        caller: Caller,
        format: Annotated[FileKind | None, Query(description="Detected from the content when omitted")] = None,
        mode: Literal["merge", "replace"] = "merge",
        dry_run: bool = False,
    ) -> ImportReply:
        """Imports a JSON or CSV file from the form field ``file`` or the body. Invalid entries are listed with their
        line; in mode ``replace`` one invalid entry prevents the import."""
        data, kind = await _uploaded(request)
        rows, rejected = await reader.read(data, format or kind)
        report = await importer.import_rows(rows, rejected, mode, dry_run=dry_run, by=caller.username)
        return _reply(report)

    return router


async def _uploaded(request: Request) -> tuple[bytes, FileKind]:
    """The file and its detected kind. Raises InvalidRequest for an empty file."""
    declared = content_type(request.scope)
    if declared == b"multipart/form-data":
        async with multipart_fields(request) as fields:
            data = await uploaded_file(fields)
    else:
        data = await read_body(request.receive)
    if not data.strip():
        raise InvalidRequest("The file is empty.", param="file")
    looks_like_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    return data, "csv" if declared in _CSV_TYPES or not looks_like_json else "json"


def _reply(report: ImportReport) -> ImportReply:
    return ImportReply(
        applied=report.applied,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        deleted=report.deleted,
        refused=[RejectedRowReply(line=each.line, error=each.error) for each in report.rejected],
    )
