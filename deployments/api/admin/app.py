"""The office's REST API: one router per area behind the gate. The panel is mounted next to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.api.admin.admin_gate import AdminGate, TokenVerifier
from deployments.api.admin.openapi_document import complete_document
from deployments.api.gate import RequestMetrics
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.contracts.reports import SnapshotSource


@dataclass(frozen=True, slots=True)
class GateDependencies:
    """Dependencies of the gate. During a request it checks every ``sign_in_check_interval_s`` seconds whether the
    sign-in is still active. ``body_timeout_s`` limits every wait for the next chunk of a body."""

    tokens: TokenVerifier
    snapshots: SnapshotSource
    metrics: RequestMetrics
    sign_in_check_interval_s: float = 5.0
    body_timeout_s: float = CLIENT_TIMEOUT_S


class AdminApp(FastAPI):
    """FastAPI with the gate as its outermost middleware. The gate renders all errors, instead of the framework."""

    def __init__(self, dependencies: GateDependencies, routers: Iterable[APIRouter]) -> None:
        super().__init__(
            title="AI secretary, the office",
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json",
            redirect_slashes=False,
        )
        self._dependencies = dependencies
        for router in routers:
            self.router.routes.extend(router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Returns the OpenAPI document of all routes, with our error body."""
        if not self.openapi_schema:
            self.openapi_schema = complete_document(super().openapi())
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        app: Any = AsyncExitStackMiddleware(self.router)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        dependencies = self._dependencies
        return AdminGate(
            app,
            tokens=dependencies.tokens,
            snapshots=dependencies.snapshots,
            metrics=dependencies.metrics,
            sign_in_check_interval_s=dependencies.sign_in_check_interval_s,
            body_timeout_s=dependencies.body_timeout_s,
        )
