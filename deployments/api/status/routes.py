"""``GET /``, ``/health``, ``/ready`` and ``/metrics``."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deployments.api.accept import prefers_html
from deployments.api.door import Door
from deployments.api.metrics import EXPOSITION_TYPE
from deployments.api.request_context import get_request_context
from deployments.api.responses import json_response
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import EngineStatus
from deployments.conversation.cloud_routes import used_cloud_routes
from deployments.conversation.language_gaps import LanguageGap, find_language_gaps

_STATUS_TIMEOUT_S = 2.0
_VARY = {"vary": "Accept"}
_ENDPOINTS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "completions": "/v1/completions",
    "speech": "/v1/audio/speech",
    "transcription": "/v1/audio/transcriptions",
    "models": "/v1/models",
    "voices": "/v1/audio/voices",
    "health": "/health",
    "ready": "/ready",
    "office": "/admin/openapi.json",
    "panel": "/admin/ui/",
}


class StatusEndpoint:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def index(self, request: Request) -> Response:
        """The endpoints of the service. A browser is redirected to the panel."""
        if prefers_html(request.headers.get("accept", "")):
            return RedirectResponse(_ENDPOINTS["panel"], 307, _VARY)
        response = json_response({"status": "ok", "service": "ai-secretary", "endpoints": _ENDPOINTS})
        response.headers.update(_VARY)
        return response

    async def health(self, request: Request) -> Response:
        """200 while the event loop of the process runs."""
        return json_response({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """200 when the process can answer, 503 before its settings have arrived.

        ``status`` is "degraded" when an engine is not ready or its last request failed. ``missing_languages`` lists the
        languages in use that no model speaks, if there are any. With an API key the body also lists revision, engines,
        the cloud routes in use with their state, which changes no ``status``, and notes: what a missing language means
        and what to do.
        """
        ready = self._door.snapshots.ready
        engines = await self._engine_statuses() if ready else _EngineStatuses()
        body: dict[str, object] = {"ready": ready, "status": "ready" if engines.all_healthy else "degraded"}
        gaps = find_language_gaps(self._door.snapshots.current, engines.statuses or ()) if ready else ()
        if gaps:
            body["missing_languages"] = [gap.language for gap in gaps]
        if ready and get_request_context(request.scope).key is not None:
            notes = [_note(gap) for gap in gaps]
            clouds = used_cloud_routes(self._door.snapshots.current, self._door.failing_routes())
            body |= {"revision": self._door.snapshots.current.revision, "notes": notes, **engines.fields()}
            body["clouds"] = [{"route": each.route, "model": each.model, "state": each.state} for each in clouds]
        return json_response(body, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        text = await asyncio.to_thread(self._door.metrics.exposition)
        return Response(text, headers={"content-type": EXPOSITION_TYPE})

    async def _engine_statuses(self) -> "_EngineStatuses":
        try:
            async with asyncio.timeout(_STATUS_TIMEOUT_S):
                return _EngineStatuses(await self._door.assistant.status())
        except TimeoutError:
            return _EngineStatuses(error=f"the engines did not answer within {_STATUS_TIMEOUT_S:g} s")
        except SecretaryError as error:
            return _EngineStatuses(error=error.message)


@dataclass(frozen=True, slots=True)
class _EngineStatuses:
    """Statuses of the engines; None when they could not be fetched."""

    statuses: tuple[EngineStatus, ...] | None = None
    error: str = ""

    @property
    def all_healthy(self) -> bool:
        return self.statuses is not None and all(status.healthy for status in self.statuses)

    def fields(self) -> dict[str, object]:
        if self.statuses is None:
            return {"engines": [], "error": self.error}
        return {"engines": [_fields(status) for status in self.statuses]}


def _fields(status: EngineStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "kind": status.kind,
        "engine": status.engine,
        "ready": status.ready,
        "model": status.model,
        "revision": status.revision,
        "languages": list(status.languages),
        "adapters": list(status.adapters),
        "progress": status.progress or None,
        "error": status.error or None,
        "failed_at": None if status.failed_at is None else _utc(status.failed_at),
        "remedy": status.remedy or None,
    }


def _note(gap: LanguageGap) -> dict[str, str]:
    return {"language": gap.language, "message": gap.message, "remedy": gap.remedy, "next_step": gap.next_step}


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
