"""Builds the FastAPI application of the gateway, with the gate as its outermost middleware."""

from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.api.chat.routes import ChatCompletionsEndpoint
from deployments.api.completions.routes import CompletionsEndpoint
from deployments.api.cors import CrossOriginRequests
from deployments.api.door import Door, DoorServices
from deployments.api.embeddings.routes import EmbeddingsEndpoint
from deployments.api.gate import Gate
from deployments.api.models.routes import ModelsEndpoint
from deployments.api.responses_api.routes import ResponsesEndpoint
from deployments.api.responses_api.stored_responses import StoredResponses
from deployments.api.speech.lists import SpeechListsEndpoint
from deployments.api.speech.routes import SpeechEndpoint
from deployments.api.status.routes import StatusEndpoint
from deployments.api.transcription.routes import TranscriptionsEndpoint
from deployments.api.voice_library.routes import add_voice_routes

__all__ = ["DoorServices", "build_app"]


def build_app(services: DoorServices) -> FastAPI:
    """The application of one gateway process. Routes that are added later are behind the gate too."""
    door = Door(services)
    posts: dict[str, ASGIApp] = {
        "/v1/chat/completions": ChatCompletionsEndpoint(door),
        "/v1/embeddings": EmbeddingsEndpoint(door),
        "/v1/audio/speech": SpeechEndpoint(door),
        "/v1/audio/transcriptions": TranscriptionsEndpoint(door, translate=False),
        "/v1/audio/translations": TranscriptionsEndpoint(door, translate=True),
    }
    responses = ResponsesEndpoint(door, StoredResponses(door.clock, services.responses))
    posts |= {"/v1/responses": responses, "/v1/completions": CompletionsEndpoint(door)}
    app = _GuardedApp(door, posts, services.public_prefixes)
    app.router.routes.extend(Route(path, handler, methods=["POST"]) for path, handler in posts.items())
    _add_get_routes(app, door)
    add_voice_routes(app, door)
    app.add_route("/v1/responses/{id}", responses.retrieve, methods=["GET"])
    app.add_route("/v1/responses/{id}", responses.delete, methods=["DELETE"])
    return app


def _add_get_routes(app: FastAPI, door: Door) -> None:
    models, lists, status = ModelsEndpoint(door), SpeechListsEndpoint(door), StatusEndpoint(door)
    app.add_route("/", status.index, methods=["GET"])
    app.add_route("/v1/models", models.list, methods=["GET"])
    app.add_route("/v1/models/{id:path}", models.retrieve, methods=["GET"])
    app.add_route("/v1/voices", lists.legacy_voices, methods=["GET"])
    app.add_route("/v1/audio/voices", lists.voices, methods=["GET"])
    app.add_route("/v1/audio/models", lists.models, methods=["GET"])
    app.add_route("/health", status.health, methods=["GET"])
    app.add_route("/ready", status.ready, methods=["GET"])
    app.add_route("/metrics", status.metrics, methods=["GET"])


class _GuardedApp(FastAPI):
    """FastAPI with the gate as outermost middleware. The gate renders errors, so FastAPI's error middleware is left
    out.

    The gate calls ``posts`` directly, which saves the router's lookup.
    """

    def __init__(self, door: Door, posts: dict[str, ASGIApp], public_prefixes: tuple[str, ...]) -> None:
        super().__init__(title="AI secretary", openapi_url=None, redirect_slashes=False)
        self._door = door
        self._posts = posts
        self._public_prefixes = public_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the middleware stack without FastAPI's handling of ``root_path``."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        app: Any = AsyncExitStackMiddleware(self.router)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        gate = Gate(
            app,
            snapshots=self._door.snapshots,
            keys=self._door.keys,
            limiter=self._door.limiter,
            metrics=self._door.metrics,
            direct_handlers=self._posts,
            public_prefixes=self._public_prefixes,
            client_timeout_s=self._door.client_timeout_s,
        )
        return CrossOriginRequests(gate, self._door.cors_origins) if self._door.cors_origins else gate
