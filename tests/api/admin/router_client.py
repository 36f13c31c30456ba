"""Serves admin routers without the gate, with a fixed user and our error bodies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.api.admin.request_identity import Identity
from deployments.api.errors import error_body
from deployments.contracts.errors import SecretaryError


def application_of(*routers: APIRouter) -> ASGIApp:
    app = FastAPI()
    for router in routers:
        app.include_router(router)

    @app.exception_handler(SecretaryError)
    async def render_error(request: Request, error: SecretaryError) -> Response:
        return Response(error_body(error), error.status, {"content-type": "application/json"})

    async def with_identity(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope | {"secretary.identity": Identity("anna", "admin")}, receive, send)

    return with_identity


@asynccontextmanager
async def router_client(*routers: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application_of(*routers))
    async with httpx.AsyncClient(transport=transport, base_url="http://office") as opened:
        yield opened
