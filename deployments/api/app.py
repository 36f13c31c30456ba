"""Wires the door: areas behind a FastAPI application, the gate in front of everything."""

from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.api.chat.routes import ChatCompletions
from deployments.api.door import Door, DoorServices
from deployments.api.embeddings.routes import Embeddings
from deployments.api.gate import Gate
from deployments.api.models.routes import Models
from deployments.api.speech.lists import SpeechLists
from deployments.api.speech.routes import Speech
from deployments.api.status.routes import Status
from deployments.api.transcription.routes import Transcriptions

__all__ = ["DoorServices", "build_app"]


def build_app(services: DoorServices) -> FastAPI:
    """The ASGI application of one door. Further routes may be added to it; the gate guards them as well."""
    door = Door(services)
    posts: dict[str, ASGIApp] = {
        "/v1/chat/completions": ChatCompletions(door),
        "/v1/embeddings": Embeddings(door),
        "/v1/audio/speech": Speech(door),
        "/v1/audio/transcriptions": Transcriptions(door, translate=False),
        "/v1/audio/translations": Transcriptions(door, translate=True),
    }
    app = _GuardedApp(door, posts, services.public_prefixes)
    app.router.routes.extend(Route(path, handler, methods=["POST"]) for path, handler in posts.items())
    _add_lists(app, door)
    return app


def _add_lists(app: FastAPI, door: Door) -> None:
    models, lists, status = Models(door), SpeechLists(door), Status(door)
    app.add_route("/", status.doors, methods=["GET"])
    app.add_route("/v1/models", models.list, methods=["GET"])
    app.add_route("/v1/models/", models.list, methods=["GET"])
    app.add_route("/v1/models/{id:path}", models.retrieve, methods=["GET"])
    app.add_route("/v1/voices", lists.plain_voices, methods=["GET"])
    app.add_route("/v1/audio/voices", lists.voices, methods=["GET"])
    app.add_route("/v1/audio/models", lists.models, methods=["GET"])
    app.add_route("/health", status.health, methods=["GET"])
    app.add_route("/ready", status.ready, methods=["GET"])
    app.add_route("/metrics", status.metrics, methods=["GET"])


class _GuardedApp(FastAPI):
    """FastAPI whose outermost layer is the gate. Errors are rendered there, so no layer of the framework does it.

    ``posts`` are called by the gate directly: the router would only find the same handler more slowly.
    """

    def __init__(self, door: Door, posts: dict[str, ASGIApp], public_prefixes: tuple[str, ...]) -> None:
        super().__init__(title="AI secretary", openapi_url=None, redirect_slashes=False)
        self._door = door
        self._posts = posts
        self._public_prefixes = public_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Straight to the gate, without what the framework does for applications it documents and traces."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        app: Any = AsyncExitStackMiddleware(self.router)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return Gate(
            app,
            snapshots=self._door.snapshots,
            keys=self._door.keys,
            allowances=self._door.allowances,
            metrics=self._door.metrics,
            fast=self._posts,
            public_prefixes=self._public_prefixes,
            patience_s=self._door.patience_s,
        )
