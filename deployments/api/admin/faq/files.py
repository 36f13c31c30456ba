"""Routes for FAQ files: export, and import in one transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from deployments.administration.faq.file_reader import FaqFileReader, FileKind, file_kind
from deployments.administration.faq.files import entries_to_csv, entries_to_json
from deployments.administration.faq.importing import FaqImporter, ImportReport
from deployments.administration.faq.service import FaqAdministration
from deployments.api.admin.faq.schemas import MAX_LISTED_CHANGES, ImportChangeReply, ImportReply, RejectedRowReply
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_identity import Caller
from deployments.api.request_body import content_type
from deployments.api.uploads import body_file, multipart_fields, uploaded_file
from deployments.contracts.memory_file import MemoryFile

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
        async with _uploaded(request) as file:
            rows, rejected = await reader.read(file, _kind(request, file, format))
        report = await importer.import_rows(rows, rejected, mode, dry_run=dry_run, by=caller.username)
        return _reply(report)

    return router


@asynccontextmanager
async def _uploaded(request: Request) -> AsyncIterator[MemoryFile]:
    """The file of the form or the body. Raises InvalidRequest for an empty file."""
    if content_type(request.scope) == b"multipart/form-data":
        async with multipart_fields(request) as fields:
            yield uploaded_file(fields)
    else:
        async with body_file(request.receive) as file:
            yield file


def _kind(request: Request, file: MemoryFile, named: FileKind | None) -> FileKind:
    """``named``, or the kind that the headers name or the first character shows. Raises InvalidRequest for a file
    without any."""
    found = file_kind(file, csv=content_type(request.scope) in _CSV_TYPES)
    return named or found


def _reply(report: ImportReport) -> ImportReply:
    return ImportReply(
        applied=report.applied,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        deleted=report.deleted,
        refused=[RejectedRowReply(line=each.line, error=each.error, field=each.field) for each in report.rejected],
        changes=[
            ImportChangeReply(line=each.line, action=each.action, question=each.question, language=each.language)
            for each in report.changes[:MAX_LISTED_CHANGES]
        ],
    )
