"""Routes of ``/logs``: log files, read in pages from their ends, and followed."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from deployments.administration.logs.log_files import LogFiles, LogFilter
from deployments.administration.logs.log_tail import LogTail
from deployments.api.admin.logs.schemas import LogLevel, LogList, LogPage
from deployments.api.admin.server_sent_events import EventStream, EventStreamSlots

Lines = Annotated[int, Query(ge=1, le=5000)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Search = Annotated[str, Query(max_length=200)]


def build_router(files: LogFiles, slots: EventStreamSlots, period_s: float = 0.5) -> APIRouter:
    router = APIRouter(prefix="/logs", tags=["logs"])

    @router.get("")
    async def listing() -> LogList:
        return LogList(logs=await asyncio.to_thread(files.list))

    @router.get("/stream/{file}", response_class=Response)
    async def stream(file: str, search: Search = "", level: LogLevel | None = None) -> Response:
        """Streams server-sent events {line, timestamp} for every new line."""
        tail = LogTail(files, file, LogFilter(search, level), period_s)
        await asyncio.to_thread(tail.open)
        return EventStream(tail.lines(), slots, on_end=tail.close)

    @router.get("/{file}")
    async def read(
        file: str, lines: Lines = 100, offset: Offset = 0, search: Search = "", level: LogLevel | None = None
    ) -> LogPage:
        return await asyncio.to_thread(files.read, file, lines, offset, LogFilter(search, level))

    return router
